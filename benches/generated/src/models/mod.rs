pub mod error;
pub use self::error::Error;
pub mod error_cause;
pub use self::error_cause::ErrorCause;
pub mod keep_current;
pub use self::keep_current::KeepCurrent;

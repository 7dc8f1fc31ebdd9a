//! Counts what calls allocate: a program of its own, because counting takes time.
//!
//! `allocations (plain|generated|ours) URL CALLS AT_ONCE` prints the number of allocations a
//! call and their bytes. A reallocation counts as an allocation of the new size.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    env,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use benches::{Subject, Token, runtime, warm_up};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(bytes: usize) {
    ALLOCATIONS.fetch_add(1, Relaxed);
    BYTES.fetch_add(bytes as u64, Relaxed);
}

// SAFETY: the system's allocator does all of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, url, calls, at_once] = arguments.as_slice() else {
        panic!("expected SUBJECT URL CALLS AT_ONCE");
    };
    let (calls, at_once) = (
        calls.parse().expect("a number"),
        at_once.parse().expect("a number"),
    );
    runtime().block_on(async {
        let subject = Subject::new(name, url, Token::OAuth);
        subject.revoke_many(warm_up(at_once), at_once).await;
        let before = (ALLOCATIONS.load(Relaxed), BYTES.load(Relaxed));
        subject.revoke_many(calls, at_once).await;
        let each = |count: u64| count as f64 / calls as f64;
        println!(
            "{:.1} {:.0}",
            each(ALLOCATIONS.load(Relaxed) - before.0),
            each(BYTES.load(Relaxed) - before.1)
        );
    });
}

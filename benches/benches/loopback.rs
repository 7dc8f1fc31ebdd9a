//! CPU time per call over loopback, compared with plain reqwest.

use std::{path::Path, time::Duration};

use benches::{Server, Subject, cpu_time};
use criterion::{
    BenchmarkId, Criterion, Throughput,
    measurement::{Measurement, ValueFormatter},
};
use tokio::runtime::Runtime;

/// CPU time of this process. The server is another one.
struct CpuTime;

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        cpu_time()
    }

    fn end(&self, start: Duration) -> Duration {
        cpu_time() - start
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        &Microseconds
    }
}

struct Microseconds;

impl ValueFormatter for Microseconds {
    fn scale_values(&self, _: f64, values: &mut [f64]) -> &'static str {
        values.iter_mut().for_each(|value| *value /= 1e3);
        "µs CPU"
    }

    fn scale_throughputs(&self, _: f64, calls: &Throughput, values: &mut [f64]) -> &'static str {
        let Throughput::Elements(calls) = calls else {
            return self.scale_values(0.0, values);
        };
        for value in values {
            *value /= 1e3 * *calls as f64;
        }
        "µs CPU per call"
    }

    fn scale_for_machines(&self, _: &mut [f64]) -> &'static str {
        "ns"
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .sample_size(30)
        .warm_up_time(Duration::from_secs(2))
        .measurement_time(Duration::from_secs(4))
        .configure_from_args();
    let runtime = Runtime::new().expect("a runtime");
    for kind in ["http1", "tls-http1", "tls-http2"] {
        let server = Server::start(Path::new(env!("CARGO_BIN_EXE_server")), kind);
        for at_once in [1, 16, 64] {
            let mut group = criterion.benchmark_group(format!("{kind}, {at_once} at once"));
            group.throughput(Throughput::Elements(at_once));
            for name in ["plain", "ours"] {
                let subject = runtime.block_on(async { Subject::new(name, &server.url) });
                // The rate limiter has found its concurrency limit after this.
                runtime.block_on(subject.revoke_many(4000, at_once));
                group.bench_with_input(
                    BenchmarkId::from_parameter(name),
                    &subject,
                    |b, subject| {
                        b.iter_custom(|iterations| {
                            let start = cpu_time();
                            runtime.block_on(subject.revoke_many(iterations * at_once, at_once));
                            cpu_time() - start
                        });
                    },
                );
            }
            group.finish();
        }
    }
    criterion.final_summary();
}

//! Raw bidirectional QUIC streams and datagrams on quinn. The command line stands in ../../../README.md; this program
//! knows besides `--threads N`, 1 or more, and `--messages N` of one client or server stream.

mod client;
mod histogram;
mod measurement;
mod options;
mod server;
mod setup;

use options::{unsupported, Options};

const SCENARIOS: [&str; 8] =
    ["unary", "client-stream", "server-stream", "ping-pong", "handshake", "resume", "bulk", "datagram"];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let verb = words.first().map_or("", String::as_str);
    let options = Options::parse(words.get(1..).unwrap_or(&[]));
    match verb {
        "scenarios" => SCENARIOS.iter().for_each(|scenario| println!("quic:{scenario}")),
        "version" => println!("quinn {}", env!("QUINN_VERSION")),
        "serve" | "call" => {
            let wire = options.text("wire").unwrap_or("quic");
            let scenario = options.text("scenario").unwrap_or("unary");
            if wire != "quic" || !SCENARIOS.contains(&scenario) {
                unsupported(format!("{wire}:{scenario}"));
            }
            // The other end runs on the same machine, so half of the cores are its own. One thread needs no hand-over.
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            let threads = options.count("threads", (cores / 2).max(1));
            let mut builder = match threads {
                1 => tokio::runtime::Builder::new_current_thread(),
                _ => tokio::runtime::Builder::new_multi_thread(),
            };
            let runtime = builder.worker_threads(threads).enable_all().build().unwrap();
            if verb == "serve" {
                runtime.block_on(server::serve(&options));
            } else {
                let status = runtime.block_on(client::call(&options, scenario));
                std::process::exit(status);
            }
        }
        _ => options::fail("usage: quinn serve|call|scenarios|version; Benchmarks/README.md has the options"),
    }
}

//! The client: a task for each call under way.

use crate::measurement::Measurement;
use crate::options::{fail, Options};
use crate::setup;
use bytes::Bytes;
use quinn::{Connection, Endpoint, RecvStream};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;

type Failure = Box<dyn std::error::Error + Send + Sync>;

struct Setting {
    measurement: Measurement,
    scenario: String,
    size: usize,
    messages: usize,
    target: SocketAddr,
    endpoint: Endpoint,
}

pub async fn call(options: &Options, scenario: &str) -> i32 {
    let target: SocketAddr = options.needed("to").parse().unwrap_or_else(|error| fail(format!("--to: {error}")));
    let connects_each_time = scenario == "handshake" || scenario == "resume";
    let (endpoint, sessions) = setup::client(options, scenario == "resume");
    let mut connections = Vec::new();
    for _ in 0..options.count("connections", 1) {
        if !connects_each_time {
            connections.push(Arc::new(Shared::new(connect(&endpoint, target).await.unwrap_or_else(|e| fail(e)))));
        }
    }
    let setting = Arc::new(Setting {
        measurement: Measurement::begin(options),
        scenario: scenario.to_string(),
        size: options.number("size", if scenario == "bulk" { 65536.0 } else { 64.0 }) as usize,
        messages: options.count("messages", 100),
        target,
        endpoint,
    });
    let mut tasks = Vec::new();
    for i in 0..options.count("concurrency", 1).max(connections.len()) {
        let setting = setting.clone();
        let connection = connections.get(i % connections.len().max(1)).cloned();
        tasks.push(tokio::spawn(async move {
            let outcome = match connection {
                None => handshakes(&setting).await,
                Some(shared) => match setting.scenario.as_str() {
                    "ping-pong" => ping_pong(&setting, &shared.connection).await,
                    "bulk" => bulk(&setting, &shared.connection).await,
                    "datagram" => datagrams(&setting, &shared, i as u64).await,
                    _ => calls(&setting, &shared.connection).await,
                },
            };
            if let Err(error) = outcome {
                setting.measurement.error(error);
            }
        }));
    }
    setting.measurement.watch().await;
    for task in tasks {
        if tokio::time::timeout(Duration::from_secs(10), task).await.is_err() {
            setting.measurement.error("a call did not end");
        }
    }
    // The first calls of all tasks have nothing to resume.
    let firsts = options.count("concurrency", 1) as u64;
    if scenario == "resume" && sessions.found() == 0 && setting.measurement.calls() > 2 * firsts {
        setting.measurement.error("no session was resumed");
    }
    setting.measurement.report(scenario == "datagram")
}

async fn connect(endpoint: &Endpoint, target: SocketAddr) -> Result<Connection, Failure> {
    Ok(endpoint.connect(target, "localhost")?.await?)
}

fn payload(mode: u8, size: usize) -> Bytes {
    let mut bytes = vec![b'x'; size + 1];
    bytes[0] = mode;
    bytes.into()
}

/// Everything up to the end of the stream; its length and its first eight bytes as a number.
async fn drain(mut receive: RecvStream) -> Result<(usize, u64), Failure> {
    let (mut count, mut first) = (0, Vec::new());
    while let Some(chunk) = receive.read_chunk(usize::MAX, true).await? {
        count += chunk.bytes.len();
        if first.len() < 8 {
            first.extend_from_slice(&chunk.bytes[..chunk.bytes.len().min(8 - first.len())]);
        }
    }
    first.resize(8, 0);
    Ok((count, u64::from_be_bytes(first.as_slice().try_into()?)))
}

async fn echo(connection: &Connection, message: &Bytes) -> Result<(), Failure> {
    let (mut send, receive) = connection.open_bi().await?;
    send.write_chunk(message.clone()).await?;
    // Ends the stream; to wait for the acknowledgement of its end would be another round trip.
    drop(send);
    if drain(receive).await?.0 + 1 != message.len() {
        return Err("the echo has another size".into());
    }
    Ok(())
}

/// A stream for each call.
async fn calls(setting: &Setting, connection: &Connection) -> Result<(), Failure> {
    let size = setting.size;
    let message = payload(b'E', size);
    let chunk = message.slice(1..);
    let mut request = vec![b'S'];
    request.extend_from_slice(&(setting.messages as u32).to_be_bytes());
    request.extend_from_slice(&chunk);
    let request = Bytes::from(request);
    while let Some(intended) = setting.measurement.next().await {
        match setting.scenario.as_str() {
            "unary" => {
                echo(connection, &message).await?;
                setting.measurement.record(intended, size);
            }
            "client-stream" => {
                let (mut send, receive) = connection.open_bi().await?;
                send.write_chunk(Bytes::from_static(b"C")).await?;
                for _ in 0..setting.messages {
                    send.write_chunk(chunk.clone()).await?;
                }
                drop(send);
                check(drain(receive).await?.1, (size * setting.messages) as u64)?;
                setting.measurement.record(intended, size * setting.messages);
            }
            _ => {
                let (mut send, receive) = connection.open_bi().await?;
                send.write_chunk(request.clone()).await?;
                drop(send);
                check(drain(receive).await?.0 as u64, (size * setting.messages) as u64)?;
                setting.measurement.record(intended, size * setting.messages);
            }
        }
    }
    Ok(())
}

fn check(count: u64, expected: u64) -> Result<(), Failure> {
    if count != expected {
        return Err(format!("the stream carried {count} bytes instead of {expected}").into());
    }
    Ok(())
}

/// One stream for all round trips.
async fn ping_pong(setting: &Setting, connection: &Connection) -> Result<(), Failure> {
    let (mut send, mut receive) = connection.open_bi().await?;
    let message = payload(b'E', setting.size).slice(1..);
    let mut back = vec![0; setting.size];
    send.write_chunk(Bytes::from_static(b"E")).await?;
    while let Some(intended) = setting.measurement.next().await {
        send.write_chunk(message.clone()).await?;
        receive.read_exact(&mut back).await?;
        setting.measurement.record(intended, setting.size);
    }
    send.finish().await?;
    Ok(())
}

/// One stream, as many bytes as it takes; the server counts them.
async fn bulk(setting: &Setting, connection: &Connection) -> Result<(), Failure> {
    let (mut send, receive) = connection.open_bi().await?;
    let chunk = payload(b'C', setting.size).slice(1..);
    send.write_chunk(Bytes::from_static(b"C")).await?;
    let mut total = 0;
    while let Some(intended) = setting.measurement.next().await {
        send.write_chunk(chunk.clone()).await?;
        total += chunk.len() as u64;
        setting.measurement.record(intended, setting.size);
    }
    drop(send);
    check(drain(receive).await?.1, total)
}

/// A connection, one echo, and the end.
async fn handshakes(setting: &Setting) -> Result<(), Failure> {
    let message = payload(b'E', setting.size);
    while let Some(intended) = setting.measurement.next().await {
        let connection = connect(&setting.endpoint, setting.target).await?;
        echo(&connection, &message).await?;
        setting.measurement.record(intended, setting.size);
        connection.close(0u32.into(), b"");
    }
    Ok(())
}

/// A connection, and who waits for which datagram to come back.
struct Shared {
    connection: Connection,
    waiting: Arc<Mutex<HashMap<u64, oneshot::Sender<()>>>>,
}

impl Shared {
    fn new(connection: Connection) -> Self {
        let waiting: Arc<Mutex<HashMap<u64, oneshot::Sender<()>>>> = Arc::default();
        let (reading, waiters) = (connection.clone(), waiting.clone());
        tokio::spawn(async move {
            while let Ok(datagram) = reading.read_datagram().await {
                let number = datagram.get(..8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
                let waiter = number.and_then(|number| waiters.lock().unwrap().remove(&number));
                if let Some(waiter) = waiter {
                    let _ = waiter.send(());
                }
            }
        });
        Shared { connection, waiting }
    }
}

async fn datagrams(setting: &Setting, shared: &Shared, task: u64) -> Result<(), Failure> {
    let mut number = task << 40;
    while let Some(intended) = setting.measurement.next().await {
        number += 1;
        let mut datagram = vec![b'x'; setting.size.max(8)];
        datagram[..8].copy_from_slice(&number.to_be_bytes());
        let (sender, receiver) = oneshot::channel();
        shared.waiting.lock().unwrap().insert(number, sender);
        shared.connection.send_datagram(datagram.into())?;
        // Datagrams may get lost.
        if tokio::time::timeout(Duration::from_millis(200), receiver).await.is_ok() {
            setting.measurement.record(intended, setting.size);
        } else {
            shared.waiting.lock().unwrap().remove(&number);
            setting.measurement.lost();
        }
    }
    Ok(())
}

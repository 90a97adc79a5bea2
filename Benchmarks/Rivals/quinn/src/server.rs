//! The server: a task for each stream. The first byte of a stream says what is done with the rest.

use crate::options::Options;
use crate::setup;
use quinn::{Connection, RecvStream, SendStream};
use tokio::signal::unix::{signal, SignalKind};

pub async fn serve(options: &Options) {
    let endpoint = setup::server(options);
    println!("LISTENING {}", endpoint.local_addr().unwrap().port());
    let mut terminated = signal(SignalKind::terminate()).unwrap();
    loop {
        tokio::select! {
            connecting = endpoint.accept() => {
                let connecting = match connecting {
                    Some(connecting) => connecting,
                    None => return,
                };
                tokio::spawn(async move {
                    if let Ok(connection) = connecting.await { connected(connection).await }
                });
            }
            _ = terminated.recv() => return,
        }
    }
}

async fn connected(connection: Connection) {
    let echoing = connection.clone();
    tokio::spawn(async move {
        while let Ok(datagram) = echoing.read_datagram().await {
            let _ = echoing.send_datagram(datagram);
        }
    });
    while let Ok((send, receive)) = connection.accept_bi().await {
        tokio::spawn(async move {
            // An error is the client's end of the stream or of the connection.
            let _ = stream(send, receive).await;
        });
    }
}

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

async fn stream(mut send: SendStream, mut receive: RecvStream) -> Outcome {
    let mut bytes = match receive.read_chunk(usize::MAX, true).await? {
        Some(first) => first.bytes,
        None => return Ok(()),
    };
    let mode = bytes.split_to(1)[0];
    match mode {
        b'E' => {
            send.write_chunk(bytes).await?;
            while let Some(chunk) = receive.read_chunk(usize::MAX, true).await? {
                send.write_chunk(chunk.bytes).await?;
            }
        }
        b'C' => {
            let mut total = bytes.len() as u64;
            while let Some(chunk) = receive.read_chunk(usize::MAX, true).await? {
                total += chunk.bytes.len() as u64;
            }
            send.write_all(&total.to_be_bytes()).await?;
        }
        b'S' => {
            let mut request = bytes.to_vec();
            while let Some(chunk) = receive.read_chunk(usize::MAX, true).await? {
                request.extend_from_slice(&chunk.bytes);
            }
            if request.len() < 4 {
                return Ok(());
            }
            let count = u32::from_be_bytes(request[..4].try_into()?);
            let payload = bytes::Bytes::from(request).slice(4..);
            for _ in 0..count {
                send.write_chunk(payload.clone()).await?;
            }
        }
        _ => {}
    }
    // Dropped, the stream ends.
    Ok(())
}

//! Bodies that never end, and answers that nobody reads: they must not take the memory of others.

use std::convert::Infallible;

use futures::stream;
use http::Request;
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::client::{MOST_BYTES, head, review};
use super::{SIEGE, Site};

/// Nearly a whole body, in pieces.
const PIECE: usize = 64 * 1024;
const NEARLY: usize = MOST_BYTES / PIECE - 2;

/// Sends a body that lacks its end over connections of their own, as fast as they are read.
async fn unfinished(site: &Site, connections: usize, pieces: usize) -> JoinSet<()> {
    let mut senders = JoinSet::new();
    for _ in 0..connections {
        let client = site.client.clone();
        senders.spawn(async move {
            let Ok(mut stream) = client.connect("http/1.1").await else {
                return;
            };
            let mut sent = stream.write_all(&head(MOST_BYTES)).await;
            for _ in 0..pieces {
                if sent.is_ok() {
                    sent = stream.write_all(&[b' '; PIECE]).await;
                }
            }
            // Keeps the connection until the attack is over.
            if sent.and(stream.flush().await).is_ok() {
                std::future::pending().await
            }
        });
    }
    // Most have sent what they are let, or were told to give way.
    let _ = timeout(SIEGE, async { while senders.join_next().await.is_some() {} }).await;
    senders
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_of_one_connection() {
    let site = Site::start().await;
    let attack = async {
        let stream = site.client.connect("h2").await.expect("a connection");
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.expect("HTTP/2");
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // The server may end it, which is what it is for.
            let _ = connection.await;
        });
        for _ in 0..200 {
            let pieces = stream::unfold(0, |sent| async move {
                if sent == NEARLY {
                    return std::future::pending().await;
                }
                let piece = Frame::data(Bytes::from_static(&[b' '; PIECE]));
                Some((Ok::<_, Infallible>(piece), sent + 1))
            });
            let request = Request::post("https://localhost/validate")
                .header("content-type", "application/json")
                .body(StreamBody::new(Box::pin(pieces)))
                .expect("a request");
            let answer = sender.send_request(request);
            tasks.spawn(async move {
                let _ = answer.await;
            });
        }
        ("200 bodies of 8 MiB over one HTTP/2 connection".to_owned(), tasks)
    };
    site.endures("unfinished streams", attack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_of_some_connections() {
    let site = Site::start().await;
    let attack = async { ("48 bodies of 8 MiB".to_owned(), unfinished(&site, 48, NEARLY).await) };
    site.endures("unfinished bodies", attack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_of_many_connections() {
    let site = Site::start().await;
    let attack = async { ("400 bodies of 512 KiB".to_owned(), unfinished(&site, 400, 8).await) };
    site.endures("many unfinished bodies", attack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_from_the_address_of_whoever_is_honest() {
    let site = Site::start().await;
    let attack = async {
        (
            "the same from its own address".to_owned(),
            unfinished(&site, 400, 8).await,
        )
    };
    site.endures_beside(site.client.clone(), "many unfinished bodies", attack)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_are_only_announced() {
    let site = Site::start().await;
    let attack = async {
        let streams = site.client.connect_each(300, &head(MOST_BYTES)).await;
        ("300 bodies of 8 MiB, announced and not sent".to_owned(), streams)
    };
    site.endures("announced bodies", attack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_in_crumbs() {
    let site = Site::start().await;
    let attack = async {
        let mut crumbs = b"POST /validate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
            transfer-encoding: chunked\r\n\r\n"
            .to_vec();
        crumbs.extend(b"1\r\n \r\n".repeat(10_000));
        let streams = site.client.connect_each(100, &crumbs).await;
        ("100 bodies in 10,000 chunks of a byte".to_owned(), streams)
    };
    site.endures("bodies in crumbs", attack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_reads() {
    let site = Site::start().await;
    let attack = async {
        // What comes back is as long: the uid is part of every answer.
        let body = review(&"u".repeat(200_000), 0);
        let whole = [head(body.len()), body].concat().repeat(10);
        let mut senders = JoinSet::new();
        for _ in 0..100 {
            let (client, whole) = (site.client.clone(), whole.clone());
            senders.spawn(async move {
                let Ok(mut stream) = client.connect("http/1.1").await else {
                    return;
                };
                if stream.write_all(&whole).await.and(stream.flush().await).is_ok() {
                    std::future::pending().await
                }
            });
        }
        ("1,000 answers of 200 KB over 100 connections".to_owned(), senders)
    };
    site.endures("unread answers", attack).await;
}

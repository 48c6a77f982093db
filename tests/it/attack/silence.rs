//! Connections that say nothing, or not enough: they must not keep others out.

use std::io;
use std::net::SocketAddr;

use futures::future::join_all;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::Site;
use super::client::{head, review};

/// Far more than there are places.
const MANY: usize = 1100;

/// As many for which TLS is agreed upon, which costs both sides.
const SOME: usize = 600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_without_a_word() {
    let site = Site::start().await;
    let address = site.client.address;
    let attack = async {
        let streams = join_all((0..MANY).map(|_| TcpStream::connect(address))).await;
        (format!("{MANY} connections without a handshake"), streams)
    };
    site.endures("silence", attack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_without_a_request() {
    let site = Site::start().await;
    let attack = async {
        let streams = site.client.connect_each(SOME, b"").await;
        (format!("{SOME} connections, silent after the handshake"), streams)
    };
    site.endures("silence after TLS", attack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_byte_of_a_handshake() {
    let site = Site::start().await;
    let attack = async {
        // As a record begins that has a handshake in it.
        let streams = say_each(site.client.address, &[22]).await;
        (format!("{MANY} connections with one byte of a handshake"), streams)
    };
    site.endures("unfinished greetings", attack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_without_an_end() {
    let site = Site::start().await;
    let attack = async {
        let streams = say_each(site.client.address, &site.client.hello()).await;
        (format!("{MANY} handshakes that the client begins"), streams)
    };
    site.endures("unfinished handshakes", attack).await;
}

/// Says the same on many connections at once.
async fn say_each(address: SocketAddr, words: &[u8]) -> Vec<io::Result<TcpStream>> {
    let one = async || {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(words).await?;
        Ok(stream)
    };
    join_all((0..MANY).map(|_| one())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_after_an_answer() {
    let site = Site::start().await;
    let attack = async {
        let body = review("u", 0);
        let whole = [head(body.len()), body].concat();
        let streams = site.client.connect_each(SOME, &whole).await;
        (format!("{SOME} connections, silent after a review"), streams)
    };
    site.endures("silence after an answer", attack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_without_an_end() {
    let site = Site::start().await;
    let attack = async {
        let mut beginning = b"POST /validate HTTP/1.1\r\nhost: a\r\nx: ".to_vec();
        beginning.extend([b'y'; 12_000]);
        let streams = site.client.connect_each(SOME, &beginning).await;
        (format!("{SOME} heads of 12 KB that never end"), streams)
    };
    site.endures("unfinished heads", attack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_to_the_admin_port_without_a_word() {
    let site = Site::start().await;
    let address = site.served.admin_address();
    let attack = async {
        let streams = join_all((0..MANY).map(|_| TcpStream::connect(address))).await;
        (format!("{MANY} connections without a request"), streams)
    };
    site.endures("silence on the admin port", attack).await;
}

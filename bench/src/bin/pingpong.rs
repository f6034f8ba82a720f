//! One byte there and one byte back, and connections that are opened to hear one byte: the
//! program that every contender's network is measured with, run inside its namespaces.
//!
//! ```text
//! pingpong echo    ADDRESS:PORT               answers every byte (TCP) and datagram (UDP)
//! pingpong greet   ADDRESS:PORT               says one byte to whoever connects, and closes
//! pingpong tcp     ADDRESS:PORT COUNT         round trips on one connection
//! pingpong udp     ADDRESS:PORT COUNT         round trips of datagrams
//! pingpong connect ADDRESS:PORT COUNT THREADS connections to one that greets
//! ```
//!
//! Servers print `ready` when they can be asked. Round trips are printed as `median MICROSECONDS`
//! and `p99 MICROSECONDS`, connections as `rate PER-SECOND`.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::thread::{CpuSet, sched_setaffinity};

/// An answer that takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// Round trips before the first that counts.
const WARM_UP: usize = 200;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let usage = "usage: pingpong echo|greet|tcp|udp|connect ADDRESS:PORT [COUNT [THREADS]]";
    let [what, address, numbers @ ..] = &words[..] else {
        bail!(usage);
    };
    let address: SocketAddr = address
        .parse()
        .with_context(|| format!("{address}: no address with a port"))?;
    let numbers: Vec<usize> = numbers
        .iter()
        .map(|text| text.parse().with_context(|| format!("{text}: no number")))
        .collect::<Result<_>>()?;
    match (*what, &numbers[..]) {
        ("echo", []) => echo(address),
        ("greet", []) => greet(address),
        ("tcp", [count]) => print_times(tcp(address, *count)?),
        ("udp", [count]) => print_times(udp(address, *count)?),
        ("connect", [count, threads]) => connect(address, *count, *threads),
        _ => bail!(usage),
    }
}

fn echo(address: SocketAddr) -> Result<()> {
    stay_on(1);
    let listener = TcpListener::bind(address).with_context(|| format!("listen on {address}"))?;
    let datagrams = UdpSocket::bind(address).with_context(|| format!("bind {address}/udp"))?;
    std::thread::spawn(move || {
        let mut byte = [0u8; 1];
        while let Ok((_, from)) = datagrams.recv_from(&mut byte) {
            // A lost answer is the asker's to notice.
            let _ = datagrams.send_to(&byte, from);
        }
    });
    println!("ready");
    for stream in listener.incoming() {
        let mut stream = stream?;
        stream.set_nodelay(true)?;
        std::thread::spawn(move || {
            let mut byte = [0u8; 1];
            while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
        });
    }
    Ok(())
}

fn greet(address: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(address).with_context(|| format!("listen on {address}"))?;
    println!("ready");
    loop {
        // Whoever left meanwhile is not greeted.
        if let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.write_all(&[1]);
        }
    }
}

fn tcp(address: SocketAddr, count: usize) -> Result<Vec<Duration>> {
    stay_on(0);
    let mut stream = TcpStream::connect(address).with_context(|| format!("connect {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut byte = [0u8; 1];
    round_trips(count, || {
        stream.write_all(&byte)?;
        stream.read_exact(&mut byte)
    })
}

fn udp(address: SocketAddr, count: usize) -> Result<Vec<Duration>> {
    stay_on(0);
    let any: SocketAddr = if address.is_ipv4() {
        "0.0.0.0:0".parse()?
    } else {
        "[::]:0".parse()?
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut byte = [0u8; 1];
    round_trips(count, || {
        socket.send(&byte)?;
        socket.recv(&mut byte).map(drop)
    })
}

fn round_trips(
    count: usize,
    mut round_trip: impl FnMut() -> std::io::Result<()>,
) -> Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(count);
    for number in 0..WARM_UP + count {
        let began = Instant::now();
        round_trip().context("no answer")?;
        if number >= WARM_UP {
            times.push(began.elapsed());
        }
    }
    Ok(times)
}

fn print_times(mut times: Vec<Duration>) -> Result<()> {
    times.sort();
    for (name, part) in [("median", 0.5), ("p99", 0.99)] {
        let place = (times.len().saturating_sub(1) as f64 * part).round() as usize;
        let time = times.get(place).context("no round trips")?;
        println!("{name} {:.3}", time.as_secs_f64() * 1e6);
    }
    Ok(())
}

/// Each thread opens one after the other. The server closes first, so that it is its side which
/// remembers the connection (TIME_WAIT) and the ports of this one are free at once.
fn connect(address: SocketAddr, count: usize, threads: usize) -> Result<()> {
    ensure!(threads > 0, "no threads");
    let began = Instant::now();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|number| {
                let share = count / threads + usize::from(number < count % threads);
                scope.spawn(move || (0..share).try_for_each(|_| hear(address)))
            })
            .collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|_| Err(std::io::Error::other("a thread died")))
        })
    })
    .with_context(|| format!("connect {address}"))?;
    let rate = count as f64 / began.elapsed().as_secs_f64();
    println!("rate {rate:.3}");
    Ok(())
}

fn hear(address: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut heard = [0u8; 2];
    stream.read_exact(&mut heard[..1])?;
    // Its end, too.
    match stream.read(&mut heard)? {
        0 => Ok(()),
        _ => Err(std::io::Error::other("more than a greeting")),
    }
}

/// The asking end on one processor, the answering one on another: where the scheduler puts them
/// makes more of a difference than any network. On one processor it is as it is.
fn stay_on(processor: usize) {
    let mut set = CpuSet::new();
    set.set(processor);
    let _ = sched_setaffinity(None, &set);
}

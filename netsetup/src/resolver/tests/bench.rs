//! How many answers a second, and what a change of a large network costs; run by hand with
//! `--ignored`, optimised.

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType;
use tokio::sync::watch;

use super::namespace::isolate;
use super::question;
use crate::files::zone::{self, Entry};
use crate::kernel::netns;
use crate::resolver::zones::ZoneFile;
use crate::resolver::{ResolverConfig, Zone, bind, serve};

/// Queries that the client has under way.
const WINDOW: usize = 32;

#[test]
#[ignore = "a measurement"]
fn fifty_thousand_answers_a_second() {
    if !isolate("fifty_thousand_answers_a_second") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let hosts_path = dir.path().join("hosts");
    let zone: String = (0..500)
        .map(|n| {
            format!(
                "10.0.{}.{}\tc{n} shared{} {n:012x}\n",
                n / 250,
                n % 250 + 1,
                n / 10
            )
        })
        .collect();
    std::fs::write(&hosts_path, zone).unwrap();
    let here = netns::open_current().unwrap();
    let sockets = bind(here.as_fd()).unwrap();
    let server: SocketAddr = ([127, 0, 0, 11], sockets.udp_port()).into();
    let networks = vec![Zone {
        name: "bench".into(),
        hosts_path,
    }];
    let (_keep, config) = watch::channel(ResolverConfig {
        networks,
        ..Default::default()
    });
    let serving = netns::open_current().unwrap();
    std::thread::spawn(move || {
        let _inside = netns::enter(serving.as_fd()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { serve(sockets, config).await })
    });
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(server).unwrap();
    client
        .set_read_timeout(Some(Duration::from_secs(1)))
        .unwrap();
    let queries: Vec<Vec<u8>> = (0..500)
        .map(|n| question(&format!("C{n}"), RecordType::A).to_vec().unwrap())
        .collect();
    let mut buffer = [0; 512];
    let (mut sent, mut answered, mut longest) = (0usize, 0usize, Duration::ZERO);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(3) {
        let at = Instant::now();
        while sent - answered < WINDOW {
            client.send(&queries[sent % queries.len()]).unwrap();
            sent += 1;
        }
        let length = client.recv(&mut buffer).unwrap();
        assert!(length > 30 && buffer[7] == 1);
        answered += 1;
        longest = longest.max(at.elapsed());
    }
    let rate = answered as f64 / begin.elapsed().as_secs_f64();
    eprintln!("{rate:.0} answers/s, longest wait {longest:?}");
    assert!(rate >= 50_000.0, "{rate:.0} answers/s");
}

#[test]
#[ignore = "a measurement"]
fn a_change_of_a_thousand_names() {
    let dir = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = dir.path().join("hosts");
    let entry = |n: u32| Entry {
        ip: std::net::Ipv4Addr::from(0x0a00_0000 + n).into(),
        names: vec![format!("container-{n}"), "web".into(), format!("{n:012x}")],
    };
    let entries: Vec<Entry> = (0..1000).map(entry).collect();
    let mut text = zone::changed("", &[], &entries);
    let mut file = ZoneFile::new(&path);
    let (mut changing, mut writing, mut reading) = <(Duration, Duration, Duration)>::default();
    const ROUNDS: u32 = 200;
    for n in 0..ROUNDS {
        let begin = Instant::now();
        text = zone::changed(&text, &[entry(n).ip], &[entry(1000 + n)]);
        changing += begin.elapsed();
        let begin = Instant::now();
        let new = path.with_extension("new");
        std::fs::write(&new, &text).unwrap();
        std::fs::rename(&new, &path).unwrap();
        writing += begin.elapsed();
        let begin = Instant::now();
        let name = format!("container-{}", 1000 + n);
        assert_eq!(file.names().addresses(name.as_bytes()).count(), 1);
        reading += begin.elapsed();
    }
    eprintln!(
        "changed in {:?}, written in {:?}, read anew in {:?}",
        changing / ROUNDS,
        writing / ROUNDS,
        reading / ROUNDS
    );
}

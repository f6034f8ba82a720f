//! Rules against nft's own words, through the kernel.

use crate::explain::print;
use crate::kernel::nft::Nft;
use crate::kernel::testing::{apart, output};

/// Loads a ruleset with nft, and compares what we print with what nft prints, rule by rule.
fn agrees(script: &str) {
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(path.path(), script).unwrap();
    output("nft", &["-f", path.path().to_str().unwrap()]);
    let ruleset = Nft::open().unwrap().ruleset().unwrap();
    for table in &ruleset.tables {
        for chain in &table.chains {
            let family = table.family.to_string();
            let listed = output(
                "nft",
                &["-s", "list", "chain", &family, &table.name, &chain.name],
            );
            let theirs: Vec<&str> = listed
                .lines()
                .filter_map(|line| line.strip_prefix("\t\t"))
                .filter(|line| !line.starts_with("type "))
                .collect();
            let ours: Vec<String> = chain
                .rules
                .iter()
                .map(|rule| print::rule(table, rule))
                .collect();
            assert_eq!(
                ours, theirs,
                "chain {} of {family} {}",
                chain.name, table.name
            );
        }
    }
}

#[test]
fn rules_read_as_nft_writes_them() {
    if !apart("rules_read_as_nft_writes_them") {
        return;
    }
    agrees(
        r#"
table inet f {
  set nets { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.168.1.5 } }
  set pairs { type ipv4_addr . inet_service; elements = { 10.0.0.1 . 80 } }
  map vm { type ifname : verdict; flags interval; elements = { "eth0" : drop, "br*" : accept } }
  map ports { type inet_proto . inet_service : ipv4_addr . inet_service; }
  chain other { tcp dport { 22, 80-90 } drop; return; }
  chain forward { type filter hook forward priority 0; policy accept;
   ct state vmap { established : accept, related : accept, invalid : drop }
   ct state established,related accept
   ct status dnat accept
   ip saddr @nets ip daddr . tcp dport @pairs drop
   iifname vmap @vm
   tcp dport vmap { 1-10 : jump other, 443 : accept }
   ip6 saddr fd00::/64 udp dport != 53 counter reject with icmpx admin-prohibited
   ip protocol icmp icmp type echo-request limit rate 10/second accept
   meta mark & 0xff == 0x1 oifname "eth*" tcp flags syn / syn,ack accept
   ip daddr 1.2.3.0-1.2.3.9 log prefix "x" drop comment "hello"
   fib saddr . iif oif missing drop
   fib daddr type local accept
   meta l4proto { tcp, udp } th dport 53 reject
   ip saddr 172.18.0.0/20 drop
   ip daddr != 10.0.0.0/8 iifname != "lo" drop
   udp dport 53 udp dport set 4053
   tcp sport 4054 tcp sport set 53
   meta mark set 0x5
   meta mark set meta mark | 0x10
   meta mark set meta mark & 0xff
   ip6 daddr ::1 drop
   iifname . oifname { "a" . "b", "c" . "d" } accept
   tcp dport 1000-2000 reject with tcp reset
   icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
   ct original ip daddr 1.2.3.4 meta pkttype host accept
   limit rate over 3/minute burst 7 packets drop
   goto other
  }
  chain pre { type nat hook prerouting priority -100;
   iifname "eth0" tcp dport 80 dnat ip to 10.0.0.2:8080
   meta nfproto ipv4 dnat ip to meta l4proto . th dport map @ports
   ip daddr 1.2.3.4 dnat ip to 10.0.0.9
   tcp dport 53 redirect to :5353
  }
  chain post { type nat hook postrouting priority 100;
   oifname "eth0" masquerade
   ip saddr 10.0.0.0/8 snat ip to 192.0.2.1
  }
  chain raw { type filter hook prerouting priority raw;
   udp dport 53 notrack
  }
}
table ip g {
  chain c { type filter hook input priority 0;
   ip saddr 1.2.3.4 tcp dport 22 reject
   udp sport 68 udp dport 67 accept

  }
}
"#,
    );
}

#[test]
fn our_own_table_reads_as_nft_writes_it() {
    if !apart("our_own_table_reads_as_nft_writes_it") {
        return;
    }
    Nft::open().unwrap().ensure_table().unwrap();
    agrees("");
}

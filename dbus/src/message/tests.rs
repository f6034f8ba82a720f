use super::*;

/// The first call on any bus.
const HELLO: &[u8] = b"l\x01\x00\x01\x00\x00\x00\x00\x01\x00\x00\x00\x6d\x00\x00\x00\
    \x01\x01o\x00\x15\x00\x00\x00/org/freedesktop/DBus\x00\x00\x00\
    \x02\x01s\x00\x14\x00\x00\x00org.freedesktop.DBus\x00\x00\x00\x00\
    \x03\x01s\x00\x05\x00\x00\x00Hello\x00\x00\x00\
    \x06\x01s\x00\x14\x00\x00\x00org.freedesktop.DBus\x00\x00\x00\x00";

#[test]
fn a_call_has_these_bytes() {
    let call = Call {
        destination: Some("org.freedesktop.DBus"),
        path: "/org/freedesktop/DBus",
        interface: "org.freedesktop.DBus",
        member: "Hello",
        signature: "",
        body: Writer::default(),
    };
    assert_eq!(call.encode(1), HELLO);
    let fixed = HELLO[..FIXED].try_into().unwrap();
    assert_eq!(total_length(fixed).unwrap(), HELLO.len());
    assert_eq!(decode(HELLO).unwrap().member, "Hello");
}

#[test]
fn values_are_aligned() {
    let mut body = Writer::default();
    body.string("ab");
    body.array(8, |array| {
        array.structure(|one| {
            one.string("k");
            one.signature("t");
            one.u64(7);
        });
    });
    body.array(4, |array| array.u32(9));
    body.bytes(&[1, 2]);
    assert_eq!(
        body.bytes,
        [
            2, 0, 0, 0, b'a', b'b', 0, 0, // a string, padded
            24, 0, 0, 0, 0, 0, 0, 0, // the array's length, padded to a structure
            1, 0, 0, 0, b'k', 0, 1, b't', 0, 0, 0, 0, 0, 0, 0, 0, // its strings, padded
            7, 0, 0, 0, 0, 0, 0, 0, // its number
            4, 0, 0, 0, 9, 0, 0, 0, // an array of numbers
            2, 0, 0, 0, 1, 2
        ]
    );
}

/// A job that is done, and an empty answer in the other byte order.
#[test]
fn a_signal_is_understood() {
    let little: &[u8] = b"l\x04\x01\x01\x1d\x00\x00\x00\x09\x00\x00\x00\x22\x00\x00\x00\
        \x03\x01s\x00\x0a\x00\x00\x00JobRemoved\x00\x00\x00\x00\x00\x00\
        \x08\x01g\x00\x04uoss\x00\x00\x00\x00\x00\x00\x00\
        \x07\x00\x00\x00\x02\x00\x00\x00/7\x00\x00\x01\x00\x00\x00u\x00\x00\x00\
        \x04\x00\x00\x00done\x00";
    let received = decode(little).unwrap();
    assert_eq!((received.kind, &*received.member), (SIGNAL, "JobRemoved"));
    assert_eq!(received.arguments, ["7", "/7", "u", "done"]);
    let big: &[u8] = b"B\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x09\x00\x00\x00\x08\
        \x05\x01u\x00\x00\x00\x00\x04";
    let received = decode(big).unwrap();
    assert_eq!((received.kind, received.reply_to), (RETURN, Some(4)));
}

#[test]
fn what_is_cut_off_or_foreign_is_an_error() {
    // The last three bytes are padding.
    for length in 0..HELLO.len() - 3 {
        assert!(decode(&HELLO[..length]).is_err(), "{length}");
    }
    let mut endless = *HELLO.first_chunk::<FIXED>().unwrap();
    endless[4..8].copy_from_slice(&[0xff; 4]);
    assert!(total_length(&endless).is_err());
    endless[0] = b'x';
    assert!(total_length(&endless).is_err());
}

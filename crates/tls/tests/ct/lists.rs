//! The extension that a certificate's timestamps stand in.

use crate::scene::{SEEN_MS, logged, logs, verdict, wish, with_key};
use crate::support::ca;
use millrace_testkit::pki::ct::{EMBEDDED, Stamp, extension_value, length, list};
use millrace_testkit::pki::{Wish, der};
use millrace_tls::{CtShortfall, Identity};

#[test]
fn an_extension_stands_anywhere_among_others_and_is_cut_out_whole() {
    let more = |count: usize| Wish {
        extensions: (0..count)
            .map(|at| (vec![1, 2, 3, at as u64], vec![at as u8; 40 * at]))
            .collect(),
        ..wish()
    };
    // The lengths around it pass from one byte to two and three.
    for count in [0, 1, 3, 20] {
        let mut wish = more(count);
        assert_eq!(
            verdict(&logged(&wish, &[0, 2])).shortfall,
            None,
            "{count} others before it"
        );
        // The certificate as it is signed has one more behind the timestamps.
        let key = ca().issue(&wish).key;
        wish.key = Some(key);
        wish.extensions.push((vec![1, 2, 3, 1000], vec![7; 200]));
        let tbs = der::fields(&ca().issue(&wish).certificate).tbs.to_vec();
        let stamp = |log: usize| logs()[log].stamp_precertificate(&tbs, ca().certificate(), &Stamp::at(SEEN_MS));
        let value = extension_value(&[stamp(0), stamp(2)]);
        let place = wish.extensions.len() - 1;
        wish.extensions.insert(place, (EMBEDDED.to_vec(), value));
        assert_eq!(verdict(&ca().issue(&wish)).shortfall, None, "one behind it");
    }
}

#[test]
fn a_list_with_anything_wrong_in_it_does_not_count_at_all() {
    let good = |tbs: &[u8]| {
        let stamp = |log: usize| logs()[log].stamp_precertificate(tbs, ca().certificate(), &Stamp::at(SEEN_MS));
        vec![stamp(0), stamp(2)]
    };
    type Make<'a> = &'a dyn Fn(Vec<Vec<u8>>) -> Vec<u8>;
    let rows: &[(&str, Make<'_>)] = &[
        ("an empty OCTET STRING", &|_| der::octets(&[])),
        ("an empty list", &|_| der::octets(&[0, 0])),
        ("a length of one byte", &|_| der::octets(&[0])),
        ("a length beyond the end", &|_| der::octets(&[0xff, 0xff, 0, 1, 0])),
        ("a byte behind the list", &|stamps| {
            der::octets(&[&list(&stamps)[..], &[0]].concat())
        }),
        ("a list that is a byte short", &|stamps| {
            let list = list(&stamps);
            der::octets(&[&((list.len() - 3) as u16).to_be_bytes()[..], &list[2..]].concat())
        }),
        ("an empty timestamp", &|stamps| {
            extension_value(&[stamps[0].clone(), Vec::new()])
        }),
        ("a timestamp that is a version", &|stamps| {
            extension_value(&[stamps[0].clone(), vec![0]])
        }),
        ("a timestamp that is cut", &|stamps| {
            extension_value(&[stamps[0].clone(), stamps[1][..60].to_vec()])
        }),
        ("a timestamp with a byte more", &|stamps| {
            extension_value(&[stamps[0].clone(), [&stamps[1][..], &[0]].concat()])
        }),
        ("extensions beyond the end", &|stamps| {
            let mut stamp = stamps[0].clone();
            stamp[41] = 0xff;
            extension_value(&[stamp])
        }),
        ("a signature beyond the end", &|stamps| {
            let mut stamp = stamps[0].clone();
            stamp[45] = 0xff;
            extension_value(&[stamp])
        }),
        ("half a length behind the last", &|stamps| {
            let all = [length(2, &stamps[0]), vec![0]].concat();
            der::octets(&length(2, &all))
        }),
    ];
    for (name, make) in rows {
        let leaf = ca().issue_with_list(&wish(), |tbs| make(good(tbs)));
        let verdict = verdict(&leaf);
        assert_eq!(verdict.shortfall, Some(CtShortfall::Malformed), "{name}");
        assert_eq!(verdict.timestamps, [], "{name}");
    }
    // webpki refuses the whole certificate for what is wrong around the list.
    let around: &[(&str, Make<'_>)] = &[
        ("no OCTET STRING", &|stamps| list(&stamps)),
        ("a SEQUENCE", &|stamps| der::sequence(&[list(&stamps)])),
        ("a byte behind the OCTET STRING", &|stamps| {
            [&extension_value(&stamps)[..], &[0]].concat()
        }),
        ("nothing", &|_| Vec::new()),
    ];
    for (name, make) in around {
        let leaf = ca().issue_with_list(&wish(), |tbs| make(good(tbs)));
        assert!(Identity::new(&leaf.certificate, &leaf.key).is_err(), "{name}");
    }
    let twice = ca().issue_with_list(&wish(), |tbs| extension_value(&good(tbs)));
    let twice = ca().issue_with_list(
        &Wish {
            extensions: vec![(EMBEDDED.to_vec(), b"\x04\0".to_vec())],
            ..with_key(&wish(), &twice)
        },
        |tbs| extension_value(&good(tbs)),
    );
    assert!(
        Identity::new(&twice.certificate, &twice.key).is_err(),
        "the extension twice"
    );
    // A version that is not known yet is passed over.
    let newer = ca().issue_logged(&wish(), |tbs| [vec![vec![1, 2, 3]], good(tbs)].concat());
    assert_eq!(verdict(&newer).shortfall, None);
    let cut = |at: usize| {
        let leaf = ca().issue_with_list(&wish(), |tbs| der::octets(&list(&good(tbs))[..at]));
        verdict(&leaf).shortfall
    };
    for at in [0, 1, 2, 3, 4, 5, 36, 44, 46, 48, 60, 100, 115, 120, 200] {
        assert_eq!(cut(at), Some(CtShortfall::Malformed), "cut at {at}");
    }
}

//! Replays the committed fuzz seeds, and mutations of them, through the fuzz targets' functions.

use std::path::Path;

use millrace_testkit::feed::Random;
use millrace_testkit::fuzz;

type Target = fn(&[u8]);

/// One row for each folder of `fuzz/seeds`.
const TARGETS: &[(&str, Target)] = &[
    ("client_connection", fuzz::client_connection),
    ("connection", fuzz::connection),
    ("crl", fuzz::crl),
    ("http1_request", fuzz::http1_request),
    ("http1_response", fuzz::http1_response),
    ("ocsp_response", fuzz::ocsp_response),
    ("socks_client", fuzz::socks_client),
    ("socks_server", fuzz::socks_server),
    ("timestamps", fuzz::timestamps),
    ("tls_connection", fuzz::tls_connection),
    ("tls_server", fuzz::tls_server),
];

fn seeds(folder: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("the seeds are in the tree");
    entries
        .map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a file"))
        .collect()
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds"))
}

#[test]
fn every_folder_of_seeds_has_a_target_and_passes_it() {
    for entry in std::fs::read_dir(root()).expect("the seeds are in the tree") {
        let name = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a plain name");
        let target = TARGETS.iter().find(|(known, _)| *known == name);
        let (_, run) = target.unwrap_or_else(|| panic!("fuzz/seeds/{name} has no row in TARGETS"));
        let seeds = seeds(&root().join(&name));
        assert!(seeds.len() >= 20, "{name} has {} seeds", seeds.len());
        seeds.iter().for_each(|seed| run(seed));
    }
}

/// A poor man's fuzzer, so that the invariants are tried where cargo-fuzz is not.
#[test]
fn mutations_of_the_seeds_keep_the_invariants() {
    const INTERESTING: &[u8] = b"\r\n\0 :\t,;=\"\\#/0aA\x7f\xff";
    let mut random = Random::new(0x5eed);
    for (name, run) in TARGETS {
        let seeds = seeds(&root().join(name));
        for _ in 0..3_000 {
            let mut data = seeds[random.below(seeds.len())].clone();
            for _ in 0..=random.below(4) {
                let at = random.below(data.len());
                match random.below(4) {
                    0 => data[at] = INTERESTING[random.below(INTERESTING.len())],
                    1 => data.insert(at, INTERESTING[random.below(INTERESTING.len())]),
                    2 => drop(data.remove(at)),
                    _ => {
                        let other = &seeds[random.below(seeds.len())];
                        data.truncate(at);
                        data.extend_from_slice(&other[random.below(other.len())..]);
                    }
                }
                if data.is_empty() {
                    break;
                }
            }
            run(&data);
        }
    }
}

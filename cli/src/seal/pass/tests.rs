use super::*;
use crate::seal::Options;
use crate::seal::report::Reporter;
use std::fs::{self, File};
use std::sync::Mutex;

/// A sealer between two real folders, and what it reports.
struct Bench {
    dir: tempfile::TempDir,
    sealer: Sealer,
    reports: Arc<Mutex<Vec<Report>>>,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("in")).unwrap();
        let reports = Arc::new(Mutex::new(Vec::new()));
        let sink = reports.clone();
        let sink = Arc::new(move |report| sink.lock().unwrap().push(report));
        let options = Options::new(dir.path().join("in"), dir.path().join("out"));
        let sealer = Sealer::open(options, true, sink).unwrap();
        Self {
            dir,
            sealer,
            reports,
        }
    }

    /// A playlist of its own folder with so many segments of so many zero bytes.
    fn stream(&self, name: &str, segments: usize, bytes: u64) {
        let folder = self.dir.path().join("in").join(name);
        fs::create_dir(&folder).unwrap();
        let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n".to_owned();
        for number in 0..segments {
            let file = File::create(folder.join(format!("{number}.ts"))).unwrap();
            file.set_len(bytes).unwrap();
            text.push_str(&format!("#EXTINF:2,\n{number}.ts\n"));
        }
        fs::write(folder.join("i.m3u8"), text).unwrap();
    }

    fn look(&mut self) {
        let found = scan(&self.sealer.input).unwrap();
        self.sealer.looks.update(found.files, Instant::now());
        self.sealer.read_changed(Mode::Once);
    }

    /// What is published, in the order it was.
    fn sealed(&self) -> Vec<String> {
        let reports = self.reports.lock().unwrap();
        let name = |report: &Report| match report {
            Report::Sealed { playlist, .. } => {
                let folder = playlist.parent()?.file_name()?;
                Some(folder.to_str()?.to_owned())
            }
            _ => None,
        };
        reports.iter().filter_map(name).collect()
    }
}

#[test]
fn a_live_stream_does_not_wait_for_a_film_beside_it() {
    let mut bench = Bench::new();
    bench.stream("a-film", 12, 100_000);
    bench.stream("live", 2, 10_000);
    let (stop, now) = (Stop::default(), Some(Instant::now()));
    bench.look();
    bench.sealer.seal_due(Mode::Once, now, &stop);
    assert_eq!(
        bench.sealed(),
        [""; 0],
        "out of time: one segment of the live stream"
    );
    bench.sealer.seal_due(Mode::Once, now, &stop);
    assert_eq!(bench.sealed(), ["live"]);
    // Out of time from the start, and yet every pass gets a little further with the film.
    let mut passes = 0;
    while bench.sealed() == ["live"] {
        bench.sealer.seal_due(Mode::Once, now, &stop);
        passes += 1;
        assert!(passes <= 12, "no progress");
    }
    assert_eq!(bench.sealed(), ["live", "a-film"]);
    assert!(passes > 6, "all at once, {passes} passes");
}

#[test]
fn progress_adds_up() {
    let mut bench = Bench::new();
    bench.stream("film", 5, 300_000);
    bench.look();
    bench.sealer.seal_due(Mode::Once, None, &Stop::default());
    let reports = bench.reports.lock().unwrap();
    let progress = reports.iter().filter_map(|report| match report {
        Report::Progress { hashed, of } => Some((*hashed, *of)),
        _ => None,
    });
    let progress: Vec<_> = progress.collect();
    assert!(
        progress
            .iter()
            .all(|(hashed, of)| *of == 1_500_000 && hashed <= of)
    );
    assert!(progress.contains(&(1_500_000, 1_500_000)));
}

#[test]
fn a_stop_in_the_middle_publishes_nothing_half_done() {
    let mut bench = Bench::new();
    bench.stream("film", 3, 1000);
    bench.look();
    let stop = Stop::default();
    stop.set();
    bench.sealer.seal_due(Mode::Once, None, &stop);
    assert_eq!(bench.sealed(), [""; 0]);
    assert!(!bench.dir.path().join("out/film").exists());
}

#[test]
fn a_vanished_segment_is_not_listed_with_a_hash_of_bytes_that_never_arrived() {
    let mut bench = Bench::new();
    bench.stream("live", 1, 1000);
    bench.look();
    let stop = Stop::default();
    bench.sealer.seal_due(Mode::Once, None, &stop);
    let before = fs::read(bench.dir.path().join("out/live/i.m3u8")).unwrap();
    // A new segment under the old name is hashed, and gone before it is placed.
    let segment = bench.dir.path().join("in/live/0.ts");
    fs::write(bench.dir.path().join("in/live/new"), [1; 2000]).unwrap();
    fs::rename(bench.dir.path().join("in/live/new"), &segment).unwrap();
    bench.look();
    let path = Path::new("live/0.ts");
    let stamp = bench.sealer.looks.get(path).unwrap().stamp;
    let job = Job {
        path: path.to_owned(),
        stamp,
        parts: vec![Part::Whole],
    };
    bench.sealer.known.learn(&job, &[Digests::of(&[1; 2000])]);
    fs::remove_file(&segment).unwrap();
    fs::write(
        bench.dir.path().join("in/live/i.m3u8"),
        [&before[..], b"# new\n"].concat(),
    )
    .unwrap();
    bench.look();
    bench.sealer.seal_due(Mode::Once, None, &stop);
    assert_eq!(
        fs::read(bench.dir.path().join("out/live/i.m3u8")).unwrap(),
        before
    );
}

#[test]
fn a_segment_that_changes_between_hashing_and_listing_is_not_listed() {
    let mut bench = Bench::new();
    bench.stream("live", 2, 1000);
    let folder = bench.dir.path().join("in/live");
    let large = File::options()
        .write(true)
        .open(folder.join("1.ts"))
        .unwrap();
    large.set_len(2_000_000).unwrap();
    bench.look();
    let change = move |hashed| {
        // The small one is long done when the large one comes to its end.
        if hashed == 2_001_000 {
            fs::write(folder.join("0.ts"), [1; 1000]).unwrap();
        }
    };
    bench.sealer.reporter = Reporter::new(Arc::new(move |report| {
        if let Report::Progress { hashed, .. } = report {
            change(hashed);
        }
    }));
    bench.sealer.seal_due(Mode::Once, None, &Stop::default());
    let sealed = bench.dir.path().join("out/live/i.m3u8");
    assert!(!sealed.exists());
    bench.look();
    bench.sealer.seal_due(Mode::Once, None, &Stop::default());
    let tag = Tag::try_from(&Digests::of(&[1; 1000])).unwrap().to_string();
    assert!(fs::read_to_string(sealed).unwrap().contains(&tag));
}

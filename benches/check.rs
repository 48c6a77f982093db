//! `stateward check` on a directory of 2,000 files and about 5,000 objects, against the bare event parser over the same
//! bytes on one thread. Goals on two cores: ratio at least 1.2, below 60 MiB.

#![expect(clippy::print_stdout, reason = "a benchmark prints its numbers")]
#![expect(clippy::expect_used, reason = "without a directory there is nothing to measure")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use granit_parser::Parser;
use stateward::audit::Level;
use stateward::cli::check::judge::Judge;
use stateward::graph::{Knowledge, Name};
use stateward::kinds;
use stateward::manifests::corpus::{Corpus, Inputs};
use stateward::manifests::worlds::Base;
use stateward::output::{Format, Notes, Paint, Style, render};
use stateward::parallel;
use stateward::runtime::policies;
use stateward::time::Time;

#[path = "support/machine.rs"]
mod machine;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FILES: usize = 2_000;
const DIRECTORIES: usize = 100;
const ROUNDS: usize = 21;

fn main() {
    println!("{}", machine::line());
    let root = tempfile::tempdir().expect("a directory");
    let bytes = generate(root.path());
    let paths = [root.path().to_owned()];
    let policies = policies::load(&[]).expect("the baseline");
    let (objects, _) = check(&paths, &policies);
    // Before anything else needs memory: the whole run, with all that it keeps until its report is written.
    let peak = peak();
    println!("{FILES} files, {objects} objects, {} KiB", bytes / 1024);
    println!("peak of one check: {peak} MiB");

    let texts: Vec<String> = stateward::manifests::files::find(root.path())
        .0
        .iter()
        .map(|file| std::fs::read_to_string(file).expect("readable"))
        .collect();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let read = check(&paths, &policies);
        ours.push(started.elapsed().as_secs_f64());
        // The command leaves this to the end of its process.
        drop(read);
        let started = Instant::now();
        parse(&texts);
        theirs.push(started.elapsed().as_secs_f64());
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "check {:.1} ms on {} threads, bare parser {:.1} ms on one",
        ours * 1e3,
        parallel::all_cores(),
        theirs * 1e3
    );
    println!(
        "check ratio={:.2} objects_per_second={:.0} peak_mib={peak}",
        theirs / ours,
        objects as f64 / ours
    );
}

/// All that the command does, but for writing the text out. Returns how many objects there are, and what was read.
fn check(paths: &[PathBuf], policies: &stateward::policy::Policies) -> (usize, Corpus) {
    let namespace: Name = "default".into();
    let threads = parallel::all_cores();
    let corpus = Corpus::read(Inputs {
        paths,
        namespace: &namespace,
        kinds: kinds::shipped(),
        excluded: &|_| false,
        threads,
    });
    let judge = Judge {
        policies,
        version: None,
        base: Base::Nothing(Knowledge::Partial),
        namespace: &namespace,
        time: Time::from_seconds(1_800_000_000),
        namespace_labels: &[],
        threads,
    };
    let report = judge.report(&corpus);
    let style = Style {
        notes: Notes::Counted,
        paint: Paint::Plain,
        fail_on: Level::Error,
    };
    black_box(render(&report, Format::Human, style));
    assert!(report.failures.is_empty() && report.count(Level::Error) > 0);
    (report.objects + report.skipped.len(), corpus)
}

/// The events of the parser that `manifests` builds on, as it comes.
fn parse(texts: &[String]) {
    for text in texts {
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            black_box(event.expect("YAML"));
        }
    }
}

/// Writes the files: a workload each, and beside it by turns a claim, a Service, an autoscaler, a ConfigMap.
fn generate(root: &Path) -> usize {
    let mut bytes = 0;
    for number in 0..FILES {
        let directory = root.join(format!("team-{:02}", number % DIRECTORIES));
        std::fs::create_dir_all(&directory).expect("a directory");
        let mut text = String::from("# Kept by the platform team: ask before you change it.\n");
        let namespace = format!("team-{:02}", number % DIRECTORIES);
        workload(&mut text, number, &namespace);
        if number.is_multiple_of(2) {
            let _ = write!(
                text,
                "---\n{}spec:\n  accessModes:\n  - ReadWriteOnce\n  storageClassName: fast\n  resources:\n    requests:\n      \
                 storage: 10Gi\n",
                head("v1", "PersistentVolumeClaim", number, &namespace)
            );
        }
        if !number.is_multiple_of(3) {
            let _ = write!(
                text,
                "---\n{}spec:\n  selector:\n    app.kubernetes.io/name: app-{number}\n  ports:\n  - name: http\n    port: 80\n    \
                 targetPort: 8080\n",
                head("v1", "Service", number, &namespace)
            );
        }
        if number.is_multiple_of(3) {
            let _ = write!(
                text,
                "---\n{}data:\n  config.yaml: |\n    # How the service listens\n    listen: 0.0.0.0:8080\n    log:\n      level: \
                 info\n      format: json\n  LANG: \"C.UTF-8\"\n",
                head("v1", "ConfigMap", number, &namespace)
            );
        }
        bytes += text.len();
        std::fs::write(directory.join(format!("app-{number}.yaml")), text).expect("written");
    }
    bytes
}

fn head(version: &str, kind: &str, number: usize, namespace: &str) -> String {
    format!(
        "apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: app-{number}\n  namespace: {namespace}\n  labels:\n    \
         app.kubernetes.io/name: app-{number}\n    app.kubernetes.io/part-of: shop\n    app.kubernetes.io/managed-by: Helm\n"
    )
}

fn workload(text: &mut String, number: usize, namespace: &str) {
    let (kind, extra) = match number % 4 {
        0 => ("StatefulSet", format!("  serviceName: app-{number}\n")),
        _ => ("Deployment", "  strategy:\n    type: Recreate\n".to_owned()),
    };
    // One in forty shares its claim between replicas.
    let replicas = if number % 40 == 2 { 3 } else { 1 };
    let _ = write!(
        text,
        "{}spec:\n  replicas: {replicas}\n{extra}  selector:\n    matchLabels:\n      app.kubernetes.io/name: app-{number}\n  \
         template:\n    metadata:\n      labels:\n        app.kubernetes.io/name: app-{number}\n      annotations:\n        \
         prometheus.io/scrape: \"true\"\n    spec:\n      serviceAccountName: app\n      securityContext:\n        runAsNonRoot: \
         true\n        fsGroup: 1000\n      containers:\n      - name: main\n        image: registry.example.com/app-{number}:1.2.3 # \
         pinned\n        imagePullPolicy: IfNotPresent\n        args: [\"--listen=0.0.0.0:8080\", \"--data=/data\"]\n        env:\n        \
         - name: POD_IP\n          valueFrom:\n            fieldRef:\n              fieldPath: status.podIP\n        ports:\n        - name: \
         http\n          containerPort: 8080\n          protocol: TCP\n        readinessProbe:\n          httpGet:\n            path: \
         /healthz\n            port: http\n          periodSeconds: 5\n        resources:\n          requests:\n            cpu: \
         100m\n            memory: 128Mi\n          limits:\n            memory: 256Mi\n        volumeMounts:\n        - name: \
         config\n          mountPath: /etc/app\n        - name: data\n          mountPath: /data\n      volumes:\n      - name: config\n        \
         configMap:\n          name: app-{number}\n",
        head("apps/v1", kind, number, namespace)
    );
    if number.is_multiple_of(2) {
        let _ = write!(
            text,
            "      - name: data\n        persistentVolumeClaim:\n          claimName: app-{number}\n"
        );
    } else {
        text.push_str("      - name: data\n        emptyDir: {}\n");
    }
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// The most resident memory of this process so far, in MiB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc/self/status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
    kib.expect("a number of kB") / 1024
}

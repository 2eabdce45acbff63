//! The programs in `examples/other_languages` and the crate accept each other's links, and refuse the same.
// No feature changes that, and some languages are slow to start: once is enough.
#![cfg(feature = "axum")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "other_languages/links.rs"]
mod links;
#[path = "support/markdown.rs"]
mod markdown;
mod support;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use http::Request;
use links::{KEYS, TARGETS, now, table};
use support::is_installed;
use tempfile::TempDir;
use tower_signed_url::{Head, Keyring, Obligations, Verifier, Verify};

const PAGE: &str = include_str!("../examples/other_languages/README.md");

struct Language {
    /// The heading it stands under, and what its blocks are marked as.
    heading: &'static str,
    fence: &'static str,
    needs: &'static [&'static str],
    /// A file's name, `*` for `mint` or `verify`.
    file: &'static str,
    /// Commands, `*` as above.
    compile: Option<&'static str>,
    run: &'static str,
}

#[test]
fn python() {
    let (heading, fence, needs) = ("## Python", "python", &["python3"]);
    agrees(&Language { heading, fence, needs, file: "*.py", compile: None, run: "python3 *.py" });
}

#[test]
fn node() {
    let (heading, fence, needs) = ("## Node", "javascript", &["node"]);
    agrees(&Language { heading, fence, needs, file: "*.js", compile: None, run: "node *.js" });
}

#[test]
fn go() {
    let (heading, fence, needs) = ("## Go", "go", &["go"]);
    agrees(&Language { heading, fence, needs, file: "*.go", compile: Some("go build -o * *.go"), run: "./*" });
}

#[test]
fn php() {
    let (heading, fence, needs) = ("## PHP", "php", &["php"]);
    agrees(&Language { heading, fence, needs, file: "*.php", compile: None, run: "php *.php" });
}

#[test]
fn ruby() {
    let (heading, fence, needs) = ("## Ruby", "ruby", &["ruby"]);
    agrees(&Language { heading, fence, needs, file: "*.rb", compile: None, run: "ruby *.rb" });
}

#[test]
fn java() {
    let (heading, fence, needs) = ("## Java", "java", &["java", "javac"]);
    // As `java *.java` would, but once.
    agrees(&Language {
        heading,
        fence,
        needs,
        file: "*.java",
        compile: Some("javac -d * *.java"),
        run: "java -cp * *",
    });
}

#[test]
fn c_sharp() {
    let (heading, fence, needs) = ("## C#", "csharp", &["mcs", "mono"]);
    agrees(&Language { heading, fence, needs, file: "*.cs", compile: Some("mcs *.cs"), run: "mono *.exe" });
}

#[test]
fn a_shell() {
    let (heading, fence, needs) = ("## A shell", "sh", &["openssl"]);
    agrees(&Language { heading, fence, needs, file: "*.sh", compile: None, run: "sh *.sh" });
}

#[test]
fn the_crate() {
    for row in table(now()) {
        let keys: Keyring = row.key.parse().unwrap();
        let verified = row.link.parse::<http::Uri>().ok().map(|uri| {
            let mut request = Request::new(());
            *request.uri_mut() = uri;
            // `http` takes what is no path for a host.
            Verifier::new(&keys).verify(Head::of(&request)).map(drop).map_err(|why| why.status().as_u16().to_string())
        });
        let answer = match verified {
            Some(Ok(())) => format!("ok {}", Verifier::new(&keys).strip(&row.link).unwrap()),
            Some(Err(status)) => status,
            None => "403".to_owned(),
        };
        assert_eq!(answer, row.answer, "{}: {}", row.name, row.link);
    }
}

fn agrees(language: &Language) {
    if !language.needs.iter().copied().all(is_installed) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut programs = markdown::blocks(PAGE, language.heading, language.fence);
    let (mint, verify) = (programs.next().unwrap(), programs.next().unwrap());
    assert_eq!(programs.next(), None, "{}", language.heading);
    let mint = Program::of(language, &folder, "mint", mint);
    let verify = Program::of(language, &folder, "verify", verify);

    for (key, target) in KEYS.iter().zip(TARGETS) {
        let link = mint.run(&[key, target, "300"]);
        accepts(key, target, &link);
        assert_eq!(verify.run(&[key, &link]), format!("ok {target}"), "{link}");
    }
    for row in table(now()) {
        assert_eq!(verify.run(&[row.key, &row.link]), row.answer, "{}: {}", row.name, row.link);
    }
    for (name, argument, link) in links::no_keys(now()) {
        mint.fails(name, &[&argument, "/a", "300"]);
        verify.fails(name, &[&argument, &link]);
    }
    for (name, seconds) in links::NO_SECONDS {
        mint.fails(name, &[&[KEYS[0], "/a"][..], seconds].concat());
    }
    #[cfg(unix)]
    for (name, link) in links::beyond_ascii(now()) {
        use std::os::unix::ffi::OsStringExt;

        let answer = verify.answer(&[KEYS[0].into(), std::ffi::OsString::from_vec(link)]);
        // Mono does not start a program with an argument that is not UTF-8.
        let mono = language.needs.contains(&"mono") && answer.is_none();
        assert!(mono || answer.as_deref() == Some("403"), "{}, {name}: {answer:?}", language.heading);
    }
}

/// The crate accepts a link, which has five minutes left.
fn accepts(key: &str, target: &str, link: &str) {
    let request = Request::get(link).body(()).unwrap();
    let verifier = Verifier::new(&key.parse::<Keyring>().unwrap());
    let verified = verifier.verify(Head::of(&request)).unwrap_or_else(|why| panic!("{link}: {why}"));
    let grant = verified.discharge(Obligations::NONE).unwrap();
    let left = grant.expires_at().duration_since(SystemTime::now()).unwrap();
    assert!((200..=300).contains(&left.as_secs()), "{link}");
    assert_eq!(grant.key_id().unwrap().as_str(), key.split(':').next().unwrap());
    assert_eq!(verifier.strip(link).as_deref(), Some(target));
}

struct Program<'f> {
    command: String,
    folder: &'f Path,
}

impl<'f> Program<'f> {
    fn of(language: &Language, folder: &'f TempDir, name: &str, text: &str) -> Self {
        // Java's classes have a capital letter, and files are named for them.
        let name =
            if language.fence == "java" { name.replace(['m', 'v'], &name[..1].to_uppercase()) } else { name.into() };
        let fill = |template: &str| template.replace('*', &name);
        let program = Self { command: fill(language.run), folder: folder.path() };
        fs::write(program.folder.join(fill(language.file)), text).unwrap();
        if let Some(compile) = language.compile {
            let output = program.command::<&str>(&fill(compile), &[]).output().unwrap();
            assert!(output.status.success(), "{compile}: {}", String::from_utf8_lossy(&output.stderr));
        }
        program
    }

    fn command<A: AsRef<OsStr>>(&self, words: &str, arguments: &[A]) -> Command {
        let mut words = words.split(' ');
        let mut command = Command::new(words.next().unwrap());
        command.args(words).args(arguments).current_dir(self.folder);
        command
    }

    /// What it prints, if it does not fail.
    fn answer<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Option<String> {
        let output = self.command(&self.command, arguments).output().unwrap();
        output.status.success().then(|| {
            let printed = String::from_utf8(output.stdout).unwrap();
            printed.strip_suffix('\n').unwrap_or(&printed).to_owned()
        })
    }

    fn run(&self, arguments: &[&str]) -> String {
        self.answer(arguments).unwrap_or_else(|| panic!("{} fails for {arguments:?}", self.command))
    }

    /// It ends with an error, and prints nothing, least of all its key.
    fn fails(&self, name: &str, arguments: &[&str]) {
        let output = self.command(&self.command, arguments).output().unwrap();
        let failed = !output.status.success() && output.stdout.is_empty();
        assert!(failed, "{}, {name}: {arguments:?}: {output:?}", self.command);
    }
}

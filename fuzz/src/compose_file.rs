//! A Compose file, and beside it the files that it names: a project or an error with a place in one
//! of them; what is written of a project is the same project.

use std::io;
use std::path::Path;

use rbox_compose::file::{Files, Format, LoadOptions, load_from, render};

/// Files parted by lines of `%%%`: `compose.yaml`, what overrides it, `.env`, and all others.
struct Texts<'a>(Vec<&'a str>);

impl Files for Texts<'_> {
    fn read(&self, path: &Path) -> io::Result<String> {
        let index = match path.to_str() {
            Some("/app/compose.yaml") => 0,
            Some("/app/compose.override.yaml") => 1,
            Some("/app/.env") => 2,
            _ => 3,
        };
        match self.0.get(index) {
            Some(text) => Ok((*text).to_owned()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn has(&self, path: &Path) -> bool {
        self.read(path).is_ok()
    }
}

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let files = Texts(text.split("\n%%%\n").collect());
    let options = LoadOptions {
        files: ["compose.yaml", "compose.override.yaml"]
            .iter()
            .take(files.0.len())
            .map(Into::into)
            .collect(),
        profiles: vec!["*".to_owned()],
        environment: [("SET", "set"), ("EMPTY", "")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..LoadOptions::default()
    };
    let project = match load_from(&options, Path::new("/app"), &files) {
        Ok(project) => project,
        Err(error) => {
            assert!(!error.message.is_empty());
            // A circle is told by all its names.
            assert!(error.message.len() <= 60 * data.len() + 400);
            return;
        }
    };
    assert!(!project.name.is_empty());
    for service in project.services.values() {
        assert!(service.image.is_some() || service.build.is_some());
        let known = |name: &String| {
            project.services.contains_key(name) || !service.depends_on[name].required
        };
        assert!(service.depends_on.keys().all(known));
        let known = |name: &String| project.networks.contains_key(name);
        assert!(service.networks.keys().all(known));
        assert!(service.volumes.iter().all(|it| it.target.starts_with('/')));
    }
    for format in [Format::Yaml, Format::Json] {
        let text = render(&project, format);
        let files = Texts(vec![&text]);
        let options = LoadOptions {
            files: vec!["compose.yaml".into()],
            environment: project.environment.clone(),
            ..options.clone()
        };
        let mut again = match load_from(&options, Path::new("/app"), &files) {
            Ok(again) => again,
            Err(error) => panic!("{error}: {text}"),
        };
        again.files.clone_from(&project.files);
        again.warnings.clone_from(&project.warnings);
        assert_eq!(again, project, "{text}");
    }
}

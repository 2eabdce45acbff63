//! The folder: which files are in it, and how an upload becomes one.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use http_body_util::BodyExt;
use percent_encoding::percent_decode_str;
use tempfile::TempPath;
use tokio::io::AsyncWriteExt;

/// The names of the files that are to be seen, in order.
pub fn names(root: &Path) -> io::Result<Vec<String>> {
    let files = root.read_dir()?.flatten().filter(|entry| entry.path().is_file());
    let mut names: Vec<_> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| is_visible(name));
    names.sort();
    Ok(names)
}

/// Writes a body to a temporary file, which gets its name when it is whole, and is removed if it never is.
pub async fn save(root: Arc<Path>, path: &str, mut body: Body) -> io::Result<StatusCode> {
    let path = path_below_root(path).ok_or(ErrorKind::NotFound)?;
    let (file, temporary, destination) = blocking(move || begin(&root, &path)).await?;

    let mut file = tokio::fs::File::from_std(file);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| io::Error::new(ErrorKind::ConnectionAborted, error))?;
        if let Ok(data) = frame.into_data() {
            file.write_all(&data).await?;
        }
    }
    file.flush().await?;
    blocking(move || finish(temporary, &destination)).await
}

/// Where an upload is written, and where it is to go.
fn begin(root: &Path, path: &Path) -> io::Result<(File, TempPath, PathBuf)> {
    let folder = root.join(path.parent().unwrap_or(Path::new(""))).canonicalize()?;
    let destination = folder.join(path.file_name().ok_or(ErrorKind::NotFound)?);
    // A symbolic link may have led elsewhere, and a folder is not to be replaced.
    if !folder.starts_with(root) || destination.is_dir() {
        return Err(ErrorKind::NotFound.into());
    }
    // In the same folder, or it could not be renamed; with any new file's permissions, not those of a secret.
    let temporary = tempfile::Builder::new().prefix(".upload-").make_in(&folder, |path| File::create_new(path))?;
    let (file, temporary) = temporary.into_parts();
    Ok((file, temporary, destination))
}

/// Gives an upload its name. Whether that is new is found out by the same step, so that of two at once only one is.
fn finish(temporary: TempPath, destination: &Path) -> io::Result<StatusCode> {
    match temporary.persist_noclobber(destination) {
        Ok(()) => Ok(StatusCode::CREATED),
        Err(taken) if taken.error.kind() == ErrorKind::AlreadyExists => {
            taken.path.persist(destination)?;
            Ok(StatusCode::NO_CONTENT)
        }
        Err(other) => Err(other.into()),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await?
}

/// The file below ROOT that a request names, unless it is hidden or the path is not a plain one. It reads the original
/// path, since a nested router makes `/new` of `/files//new`.
pub fn path_below_root(path: &str) -> Option<PathBuf> {
    let decode = |segment| percent_decode_str(segment).decode_utf8().ok().filter(|name| is_visible(name));
    path.strip_prefix("/files/")?.split('/').map(|segment| decode(segment).map(String::from)).collect()
}

/// Whether this is a file's name, `.` and `..` not among them, and does not begin with a dot.
fn is_visible(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

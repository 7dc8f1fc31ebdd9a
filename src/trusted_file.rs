//! Which files are trusted: those that only the current user and root can have written.
//!
//! A settings file names the org that receives a credential, and a journal says which
//! users a run skips. Anyone who can write such a file controls both.

use std::{fs::Metadata, path::Path};

/// Fails with the reason why a file is not trusted, like `it belongs to user 1001, …`, and
/// with what to do about it. `opened` is the metadata of the **open** file, because the
/// name may refer to another one a moment later.
///
/// A file is refused if it belongs to another user; if its group or everyone can write it,
/// unless the group is the owner's private one; if the path to it or to its folder is
/// another user's symbolic link, which they can redirect at any time; or if everyone can
/// replace it in its folder, which the sticky bit of a folder like `/tmp` prevents. A
/// group-writable folder is accepted, because with a umask of 002 every folder is one.
#[cfg(unix)]
pub(crate) fn check(path: &Path, opened: &Metadata) -> Result<(), String> {
    unix::check(path, opened)
}

/// The standard library has no owners and modes for other systems.
#[cfg(not(unix))]
pub(crate) fn check(_: &Path, _: &Metadata) -> Result<(), String> {
    Ok(())
}

#[cfg(unix)]
mod unix {
    use std::{
        fs::{self, Metadata},
        io,
        os::unix::fs::MetadataExt,
        path::Path,
    };

    const ROOT: u32 = 0;
    pub(super) const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
    const OTHERS_WRITE: u32 = 0o002;
    const STICKY: u32 = 0o1000;

    pub(super) fn check(path: &Path, opened: &Metadata) -> Result<(), String> {
        let user = rustix::process::geteuid().as_raw();
        let writers = match is_private_group(opened.uid(), opened.gid()) {
            true => OTHERS_WRITE,
            false => GROUP_OR_OTHERS_WRITE,
        };
        check_file(path, user, opened.uid(), opened.mode(), writers)?;
        let unreadable = |error: io::Error| format!("its folder cannot be examined ({error})");
        let link = fs::symlink_metadata(path).map_err(unreadable)?;
        if link.is_symlink() {
            check_link(path, user, link.uid())?;
            let target = fs::canonicalize(path).map_err(unreadable)?;
            check_folder_of(&target, user).map_err(unreadable)??;
        }
        check_folder_of(path, user).map_err(unreadable)?
    }

    /// Many systems create a private group for each user, with the user's number, and make
    /// everything that the user creates group-writable (umask 002).
    pub(super) fn is_private_group(owner: u32, group: u32) -> bool {
        group == owner && group != ROOT
    }

    /// `writers` are the mode bits that must not be set.
    pub(super) fn check_file(
        path: &Path,
        user: u32,
        owner: u32,
        mode: u32,
        writers: u32,
    ) -> Result<(), String> {
        if !is_trusted(user, owner) {
            return Err(format!(
                "it belongs to user {owner}, who can change it, and must belong to {}; \
                 if you trust what is in it, run chown {user} {path:?}, or use another file",
                expected(user)
            ));
        }
        if mode & writers != 0 {
            return Err(format!(
                "its owner is user {owner}, but other users can write it (mode {:03o}); \
                 if you trust what is in it, run chmod go-w {path:?}, or use another file",
                mode & 0o777
            ));
        }
        Ok(())
    }

    pub(super) fn check_link(path: &Path, user: u32, owner: u32) -> Result<(), String> {
        if is_trusted(user, owner) {
            return Ok(());
        }
        Err(format!(
            "{path:?} is a symbolic link of user {owner}, who can redirect it, and must \
             belong to {}; use the path of the file itself",
            expected(user)
        ))
    }

    fn check_folder_of(path: &Path, user: u32) -> io::Result<Result<(), String>> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let link = fs::symlink_metadata(folder)?;
        if link.is_symlink()
            && let Err(why) = check_link(folder, user, link.uid())
        {
            return Ok(Err(why));
        }
        let mode = fs::metadata(folder)?.mode();
        if mode & OTHERS_WRITE == 0 || mode & STICKY != 0 {
            return Ok(Ok(()));
        }
        Ok(Err(format!(
            "every user can replace files in its folder {folder:?} (mode {:03o}); \
             run chmod o-w {folder:?}, or use a file in another folder",
            mode & 0o777
        )))
    }

    fn is_trusted(user: u32, owner: u32) -> bool {
        owner == user || owner == ROOT
    }

    fn expected(user: u32) -> String {
        if user == ROOT {
            "root, the current user".to_owned()
        } else {
            format!("user {user}, the current one, or to root")
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::{
        fs::{self, File, Permissions},
        os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
        path::{Path, PathBuf},
    };

    use super::{check, unix};

    const USER: u32 = 1000;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("okta-trusted-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            set_mode(&path, 0o755);
            Self(path)
        }

        fn file(&self, mode: u32) -> PathBuf {
            let path = self.0.join("file");
            fs::write(&path, "x").unwrap();
            set_mode(&path, mode);
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn checked(path: &Path) -> Result<(), String> {
        check(path, &File::open(path).unwrap().metadata().unwrap())
    }

    #[test]
    fn files_of_the_user_and_of_root_are_trusted() {
        let path = Path::new("/x/okta.yaml");
        for (user, owner) in [(USER, USER), (USER, 0), (0, 0)] {
            for mode in [0o600, 0o644, 0o755, 0o400] {
                assert_eq!(
                    unix::check_file(path, user, owner, mode, unix::GROUP_OR_OTHERS_WRITE),
                    Ok(())
                );
            }
        }
    }

    #[test]
    fn a_file_of_another_user_is_refused_with_both_owners_and_the_fix() {
        let path = Path::new("/x/okta.yaml");
        for (user, owner) in [(USER, 1001), (0, USER)] {
            let why = unix::check_file(path, user, owner, 0o600, unix::GROUP_OR_OTHERS_WRITE)
                .unwrap_err();
            assert!(why.contains(&format!("belongs to user {owner},")), "{why}");
            let fix = format!("chown {user} \"/x/okta.yaml\"");
            assert!(why.contains(&fix) && why.contains("root"), "{why}");
            let why = unix::check_link(path, user, owner).unwrap_err();
            assert!(why.contains(&format!("link of user {owner},")), "{why}");
        }
    }

    #[test]
    fn a_file_that_others_can_write_is_refused_with_the_fix() {
        let folder = Folder::new("mode");
        for mode in [0o600, 0o644, 0o755] {
            assert_eq!(checked(&folder.file(mode)), Ok(()), "{mode:o}");
        }
        for mode in [0o602, 0o666] {
            let path = folder.file(mode);
            let why = checked(&path).unwrap_err();
            assert!(why.contains(&format!("(mode {mode:o})")), "{why}");
            assert!(why.contains(&format!("chmod go-w {path:?}")), "{why}");
        }
    }

    #[test]
    fn only_the_owners_own_group_may_write_a_file() {
        assert!(unix::is_private_group(USER, USER));
        for (owner, group) in [(USER, 100), (USER, 0), (0, USER), (0, 0)] {
            assert!(!unix::is_private_group(owner, group));
        }
        let folder = Folder::new("group");
        for mode in [0o620, 0o664] {
            let path = folder.file(mode);
            let meta = path.metadata().unwrap();
            let trusted = unix::is_private_group(meta.uid(), meta.gid());
            assert_eq!(checked(&path).is_ok(), trusted, "{mode:o}");
        }
    }

    /// The file that the path refers to by then does not matter.
    #[test]
    fn the_open_file_is_examined_and_not_its_name() {
        let folder = Folder::new("open");
        let path = folder.file(0o666);
        let opened = File::open(&path).unwrap().metadata().unwrap();
        fs::remove_file(&path).unwrap();
        folder.file(0o600);
        assert!(check(&path, &opened).unwrap_err().contains("mode 666"));
    }

    #[test]
    fn a_folder_where_everyone_can_replace_the_file_is_refused() {
        let folder = Folder::new("folder");
        let path = folder.file(0o600);
        let elsewhere = Folder::new("link");
        let link = elsewhere.0.join("link");
        symlink(&path, &link).unwrap();
        for (mode, trusted) in [(0o755, true), (0o775, true), (0o1777, true), (0o777, false)] {
            set_mode(&folder.0, mode);
            // The folder of the file itself counts, and that of a link to it.
            for name in [&path, &link] {
                let result = checked(name);
                assert_eq!(result.is_ok(), trusted, "{mode:o}: {result:?}");
            }
        }
        set_mode(&folder.0, 0o755);
        set_mode(&elsewhere.0, 0o777);
        assert!(checked(&path).is_ok());
        let why = checked(&link).unwrap_err();
        assert!(
            why.contains(&format!("chmod o-w {:?}", elsewhere.0)),
            "{why}"
        );
    }

    /// Only root can change the owner of a file; the tests above need no root.
    #[test]
    fn a_file_that_root_gave_away_is_refused() {
        let folder = Folder::new("given");
        let path = folder.file(0o600);
        if path.metadata().unwrap().uid() != 0 {
            return;
        }
        let link = folder.0.join("link");
        symlink(&path, &link).unwrap();
        assert_eq!(checked(&link), Ok(()));
        std::os::unix::fs::lchown(&link, Some(USER), None).unwrap();
        assert!(
            checked(&link)
                .unwrap_err()
                .contains("symbolic link of user 1000")
        );
        let elsewhere = Folder::new("given-folder");
        let to_folder = elsewhere.0.join("link");
        symlink(&folder.0, &to_folder).unwrap();
        assert_eq!(checked(&to_folder.join("file")), Ok(()));
        std::os::unix::fs::lchown(&to_folder, Some(USER), None).unwrap();
        let why = checked(&to_folder.join("file")).unwrap_err();
        assert!(why.contains("symbolic link of user 1000"), "{why}");
        chown(&path, Some(USER), None).unwrap();
        assert!(checked(&path).unwrap_err().contains("belongs to user 1000"));
    }
}

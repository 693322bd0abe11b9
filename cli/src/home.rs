//! Where things lie: the home folder with store and socket, the cache of models, the configuration.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use aimass::{cache_dir, home_dir};
use aimass_config::{Config, ProcessVariables};
use aimass_locale::text;

use super::failure::Failure;

const CONFIG_FILE: &str = "aimass.toml";

/// Where things lie.
pub(crate) struct Home {
    folder: PathBuf,
    cache: PathBuf,
    config: Option<PathBuf>,
}

impl Home {
    /// Decides it from what the user said, the environment, and the platform's habits. Makes nothing.
    pub(crate) fn find(home: Option<PathBuf>, config: Option<PathBuf>) -> Result<Self, Failure> {
        let folder = home.or_else(home_dir).ok_or_else(|| {
            Failure::usage(text!(
                "there is no home folder; say where to keep things with `--home FOLDER`",
                "没有主文件夹；请用 `--home 文件夹` 指定存放位置"
            ))
        })?;
        let folder = std::path::absolute(&folder)?;
        let cache = cache_dir().unwrap_or_else(|| folder.join("cache"));
        let config = config.or_else(|| {
            [PathBuf::from(CONFIG_FILE), folder.join(CONFIG_FILE)]
                .into_iter()
                .find(|path| path.is_file())
        });
        Ok(Self {
            folder,
            cache: std::path::absolute(cache)?,
            config,
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of model artefacts.
    pub(crate) fn cache(&self) -> &Path {
        &self.cache
    }

    /// The folder of the environment.
    pub(crate) fn store(&self) -> PathBuf {
        aimass::store_in(&self.folder)
    }

    /// The socket of this home's node.
    pub(crate) fn socket(&self) -> PathBuf {
        aimass::socket_in(&self.folder)
    }

    /// The file that the configuration is read from, if there is one.
    pub(crate) fn config_file(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// Where a new configuration belongs.
    pub(crate) fn new_config_file(&self) -> PathBuf {
        self.config
            .clone()
            .unwrap_or_else(|| self.folder.join(CONFIG_FILE))
    }

    pub(crate) fn load_config(&self) -> Result<Config, Failure> {
        Ok(Config::resolve(self.config_file(), &ProcessVariables)?)
    }

    /// Makes the home folder where it is missing, for this user only.
    pub(crate) fn make(&self) -> Result<(), Failure> {
        if self.folder.is_dir() {
            return Ok(());
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(|error| {
            let folder = self.folder.display();
            Failure::unavailable(text!(
                "cannot make the home folder {folder}: {error}; choose another with `--home FOLDER`",
                "无法创建主文件夹 {folder}：{error}；请用 `--home 文件夹` 另选一个"
            ))
        })
    }
}

//! The labels by which a project's things are known. They are Docker Compose's, so that whatever
//! looks for them finds them.

/// The project's name: on containers, networks and volumes.
pub const PROJECT: &str = "com.docker.compose.project";
/// The service's key: on containers.
pub const SERVICE: &str = "com.docker.compose.service";
/// Which of the service's containers, from 1.
pub const NUMBER: &str = "com.docker.compose.container-number";
/// `True` on those that `compose run` made.
pub const ONEOFF: &str = "com.docker.compose.oneoff";
/// What of Docker Compose the labels are like.
pub const VERSION: &str = "com.docker.compose.version";
/// Hash of the service's, network's or volume's configuration.
pub const CONFIG_HASH: &str = "com.docker.compose.config-hash";
/// The files that it was read from, with commas.
pub const CONFIG_FILES: &str = "com.docker.compose.project.config_files";
/// Where relative paths start.
pub const WORKING_DIR: &str = "com.docker.compose.project.working_dir";
/// `db:service_healthy:false,…`: service, condition, whether it is restarted along.
pub const DEPENDS_ON: &str = "com.docker.compose.depends_on";
/// The image's id.
pub const IMAGE: &str = "com.docker.compose.image";
/// The name of the container that this one is to replace: there until it has.
pub const REPLACE: &str = "com.docker.compose.replace";
/// The network's key in the file.
pub const NETWORK: &str = "com.docker.compose.network";
/// The volume's key in the file.
pub const VOLUME: &str = "com.docker.compose.volume";

/// See [`VERSION`].
pub const LIKE: &str = "2.40.3";

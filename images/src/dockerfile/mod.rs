//! Dockerfiles: text in, stages of located instructions out. Pure.

mod ast;

pub use ast::{
    Add, ArgDeclaration, Command, Copy, Dockerfile, Healthcheck, Heredoc, Instruction, Lines,
    Located, MountFlag, MountKind, Run, Stage,
};

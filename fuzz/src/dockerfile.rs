//! A Dockerfile: stages or an error with lines of the file; what is told of an instruction is
//! understood as the same instruction.

use rbox_images::dockerfile::{
    Dockerfile, Heredoc, Instruction, Lines, Located, expand, expand_heredoc, expand_words,
    parse_instruction,
};

/// The most that an expansion may make.
const LONGEST: usize = 1 << 21;

pub(crate) fn run(data: &[u8]) {
    words(&String::from_utf8_lossy(data));
    let last = data.split(|byte| *byte == b'\n').count();
    let check = |lines: &Lines| {
        assert!(*lines.start() >= 1 && lines.start() <= lines.end() && *lines.end() <= last);
    };
    match Dockerfile::parse(data) {
        Ok(file) => {
            assert!(!file.stages.is_empty());
            file.global_args.iter().for_each(|args| check(&args.lines));
            file.warnings
                .iter()
                .for_each(|warning| check(&warning.lines));
            for stage in &file.stages {
                check(&stage.lines);
                assert!(stage.text.starts_with("FROM "));
                for instruction in &stage.instructions {
                    check(&instruction.lines);
                    assert!(!instruction.text.contains('\n'));
                    again(instruction, file.escape);
                }
            }
        }
        Err(error) => {
            error.lines().into_iter().for_each(check);
            assert!(error.to_string().len() <= 12 * data.len() + 400);
        }
    }
}

/// A trigger that was checked can be used; what is shown reads as what was written.
fn again(located: &Located<Instruction>, escape: char) {
    let heredocs: &[Heredoc] = match &located.value {
        // A build with another escape character wrote it.
        Instruction::OnBuild(_) if escape != '\\' => return,
        Instruction::OnBuild(trigger) => {
            parse_instruction(trigger).unwrap();
            return;
        }
        Instruction::Run(run) => {
            run.program();
            &run.heredocs
        }
        Instruction::Copy(copy) => &copy.heredocs,
        Instruction::Add(add) => &add.copy.heredocs,
        _ => &[],
    };
    if heredocs.is_empty() && escape == '\\' {
        assert_eq!(
            parse_instruction(&located.text).unwrap().value,
            located.value
        );
    }
}

fn words(text: &str) {
    let lookup = |name: &str| match name {
        "a" => Some("one two".to_owned()),
        "b" => Some("x/y*z".repeat(3)),
        "c" => Some(String::new()),
        _ => None,
    };
    for escape in ['\\', '`'] {
        if let Ok(word) = expand(text, escape, &lookup) {
            assert!(word.len() <= LONGEST);
            let words = expand_words(text, escape, &lookup).unwrap();
            assert!(words.iter().map(String::len).sum::<usize>() <= word.len());
            assert!(words.iter().all(|word| !word.is_empty()));
        }
        if let Ok(content) = expand_heredoc(text, escape, &lookup) {
            assert!(content.len() <= LONGEST);
        }
    }
}

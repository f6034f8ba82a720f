//! `--mount type=image`: another image's files in a container.

use crate::harness::{Host, skip};

fn host() -> Host {
    let host = Host::with_own_images();
    let tools = "FROM alpine\n\
        RUN mkdir -p /opt/tool/lib && echo one > /opt/tool/file && chown 7:8 /opt/tool/file \
        && ln -s tool /opt/way && ln -s /../../../etc/passwd /opt/out\n\
        RUN echo two > /opt/tool/file && rm -r /opt/tool/lib\n";
    host.build(tools, "-q -t tools").ok();
    host
}

#[test]
fn an_images_files_are_there_and_read_only() {
    let host = host();
    let script = "cat /t/opt/tool/file; stat -c %u:%g /t/opt/tool/file; ls /t/opt/tool; \
                  touch /t/new 2>&1 | grep -c Read-only; head -1 /t/opt/way/file";
    let expected = "two\n7:8\nfile\n1\ntwo";
    let mount = "--mount type=image,source=tools,target=/t";
    assert_eq!(host.shell(mount, script).ok(), expected);
    assert_eq!(
        host.shell(&format!("--userns auto {mount}"), script).ok(),
        expected
    );
    // Twice the same one, with a volume below.
    let both = format!("{mount} --mount type=image,src=tools,dst=/u -v data:/t/mnt");
    assert_eq!(
        host.shell(&both, "cat /u/opt/tool/file; touch /t/mnt/x && ls /t/mnt")
            .ok(),
        "two\nx"
    );
    host.ok(&format!("create --name box {mount} alpine true"));
    let id = host.ok("image inspect -f {{.Id}} tools");
    assert_eq!(
        host.rbox(&["inspect", "-f", "{{json .Mounts}}", "box"])
            .ok(),
        format!(
            "[{{\"Type\":\"image\",\"Name\":\"tools\",\"Source\":\"{id}\",\"Destination\":\"/t\",\
             \"Mode\":\"\",\"RW\":false,\"Propagation\":\"\"}}]"
        )
    );
    // It stays what it was, and in use.
    host.build("FROM alpine\nRUN touch /other\n", "-q -t tools")
        .ok();
    let error = host.rbox(&["rmi", &id]).fails(1);
    assert!(
        error.contains("is being used by stopped container"),
        "{error}"
    );
    host.ok("image prune -a -f");
    host.ok("start -a box");
    host.ok("rm box");
    host.ok(&format!("rmi {id}"));
}

#[test]
fn a_part_of_an_image_never_leads_out_of_it() {
    let host = host();
    let part = |path: &str| {
        let mount = format!("--mount type=image,src=tools,dst=/p,image-subpath={path}");
        host.shell(&mount, "cat /p/file || cat /p")
    };
    let output = part("opt/tool");
    if output.stderr.contains("image-subpath needs Linux 6.15") {
        skip(
            "a_part_of_an_image_never_leads_out_of_it",
            "this kernel copies no detached mounts",
        );
        return;
    }
    assert_eq!(output.ok(), "two");
    assert_eq!(part("opt/way").ok(), "two");
    // The image's own: a link that climbs ends at its root.
    let own = host.shell("", "cat /etc/passwd").ok();
    assert_eq!(part("opt/out").stdout.trim(), own);
    let error = part("none").fails(125);
    assert!(
        error.contains("at /p: none: No such file or directory"),
        "{error}"
    );
    let error = part("../up").fails(125);
    assert!(
        error.contains("subpath must be a relative path within the image"),
        "{error}"
    );
}

#[test]
fn an_image_that_is_not_there_is_refused() {
    let host = Host::new();
    let error = host
        .shell("--mount type=image,src=nosuch,dst=/t", "true")
        .fails(125);
    assert!(error.starts_with("rbox: No such image: nosuch"), "{error}");
    assert!(error.contains("hint: `rbox pull nosuch`"), "{error}");
    let error = host.shell("--mount type=image,dst=/t", "true").fails(125);
    assert!(error.contains("field Source must not be empty"), "{error}");
    assert_eq!(host.ok("ps -aq"), "");
}

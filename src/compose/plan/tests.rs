use super::*;

fn wanted(service: &str, count: u32) -> Wanted {
    Wanted {
        service: service.into(),
        names: (1..=count).map(|n| format!("p-{service}-{n}")).collect(),
        hash: "h".into(),
        image: "i".into(),
        ..Wanted::default()
    }
}

fn observed(service: &str, number: u32) -> Observed {
    Observed {
        id: format!("{service}{number}"),
        name: format!("p-{service}-{number}"),
        service: service.into(),
        number,
        hash: "h".into(),
        image: "i".into(),
        ..Observed::default()
    }
}

fn keep(id: &str) -> Step {
    Step::Keep { id: id.into() }
}

fn recreate(id: &str, number: u32) -> Step {
    let id = id.into();
    Step::Recreate { id, number }
}

/// The steps of the service `web`.
fn of_web(wanted: Wanted, observed: &[Observed]) -> Vec<Step> {
    plan(&[wanted], observed).remove("web").unwrap()
}

#[test]
fn what_is_missing_is_made_and_what_is_there_is_left() {
    assert_eq!(
        of_web(wanted("web", 2), &[]),
        [Step::Create { number: 1 }, Step::Create { number: 2 }]
    );
    assert_eq!(
        of_web(wanted("web", 2), &[observed("web", 2)]),
        [Step::Create { number: 1 }, keep("web2")]
    );
    assert_eq!(
        of_web(wanted("web", 1), &[observed("web", 1), observed("db", 1)]),
        [keep("web1")]
    );
}

#[test]
fn fewer_are_the_first_ones() {
    assert_eq!(
        of_web(
            wanted("web", 1),
            &[observed("web", 1), observed("web", 2), observed("web", 3)]
        ),
        [
            Step::Remove { id: "web2".into() },
            Step::Remove { id: "web3".into() },
            keep("web1")
        ]
    );
    assert_eq!(
        of_web(wanted("web", 0), &[observed("web", 1)]),
        [Step::Remove { id: "web1".into() }]
    );
}

#[test]
fn a_change_makes_anew_unless_told_otherwise() {
    let changes: [fn(&mut Observed); 2] = [
        |container| container.hash = "old".into(),
        |container| container.image = "old".into(),
    ];
    for change in changes {
        let mut container = observed("web", 1);
        change(&mut container);
        for (choice, step) in [
            (Recreate::Changed, recreate("web1", 1)),
            (Recreate::Always, recreate("web1", 1)),
            (Recreate::Never, keep("web1")),
        ] {
            let mut wanted = wanted("web", 1);
            wanted.recreate = choice;
            assert_eq!(of_web(wanted, std::slice::from_ref(&container)), [step]);
        }
    }
    let mut wanted = wanted("web", 1);
    wanted.networks.insert("p_back".into());
    assert_eq!(
        of_web(wanted, &[observed("web", 1)]),
        [recreate("web1", 1)],
        "it was taken off a network"
    );
}

#[test]
fn who_shares_with_a_container_goes_with_it() {
    let net = wanted("net", 1);
    let mut web = wanted("web", 1);
    web.bound_to.insert("net".into());
    let mut container = observed("web", 1);
    container.bound_to.insert("net1".into());
    let both = [observed("net", 1), container.clone()];
    assert_eq!(
        plan(&[net.clone(), web.clone()], &both)["web"],
        [keep("web1")]
    );
    let mut changed = net.clone();
    changed.hash = "new".into();
    assert_eq!(
        plan(&[changed, web.clone()], &both)["web"],
        [recreate("web1", 1)]
    );
    // Interrupted after the one and before the other.
    container.bound_to = ["net0".into()].into();
    assert_eq!(
        plan(
            &[net, web.clone()],
            &[observed("net", 1), container.clone()]
        )["web"],
        [recreate("web1", 1)]
    );
    // With --no-deps nobody looks.
    assert_eq!(plan(&[web], &[container])["web"], [keep("web1")]);
}

#[test]
fn an_interrupted_replacement_is_thrown_away_or_gets_its_name() {
    let mut new = observed("web", 1);
    (new.id, new.name) = ("new".into(), "0123456789ab_p-web-1".into());
    assert_eq!(
        of_web(wanted("web", 1), &[observed("web", 1), new.clone()]),
        [Step::Discard { id: "new".into() }, keep("web1")]
    );
    assert_eq!(
        of_web(wanted("web", 1), std::slice::from_ref(&new)),
        [
            Step::Adopt {
                id: "new".into(),
                name: "p-web-1".into()
            },
            keep("new")
        ]
    );
    // Changed again meanwhile.
    new.hash = "old".into();
    assert_eq!(
        of_web(wanted("web", 1), &[new]),
        [
            Step::Adopt {
                id: "new".into(),
                name: "p-web-1".into()
            },
            recreate("new", 1)
        ]
    );
}

#[test]
fn labels_that_somebody_wrote_lead_nowhere_wrong() {
    let mut twin = observed("web", 1);
    twin.id = "twin".into();
    let mut zero = observed("web", 0);
    zero.id = "zero".into();
    let steps = of_web(wanted("web", 1), &[observed("web", 1), twin, zero]);
    let removed = |id: &str| Step::Remove { id: id.into() };
    assert_eq!(steps, [removed("web1"), removed("zero"), keep("twin")]);
}

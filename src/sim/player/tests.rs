use super::*;

fn player(live: bool) -> (Player, Vec<PlayerAction>) {
    let mut player = Player::new(PlayerSpec::default(), Duration::from_secs(2), live);
    let mut actions = Vec::new();
    player.handle(Time(0), PlayerEvent::Opened, &mut actions);
    assert_eq!(actions, [PlayerAction::Poll]);
    actions.clear();
    (player, actions)
}

fn load(load: u32, sn: u32) -> PlayerAction {
    PlayerAction::Load {
        load: LoadId(load),
        rendition: 0,
        sn,
    }
}

#[test]
fn starts_three_segments_behind_and_loads_in_order_up_to_the_edge() {
    let (mut player, mut actions) = player(true);
    player.handle(Time(100), PlayerEvent::Listed(4..12), &mut actions);
    assert_eq!(actions, [PlayerAction::PollAt(Time(2_000_100)), load(0, 9)]);
    for (n, at) in [(0, 200), (1, 300), (2, 400)] {
        actions.clear();
        player.handle(Time(at), PlayerEvent::Appended(LoadId(n)), &mut actions);
    }
    assert!(
        !actions
            .iter()
            .any(|a| matches!(a, PlayerAction::Load { .. }))
    );
    assert_eq!(player.position_us(Time(1_000_200)), Some(19_000_000));
    assert_eq!(player.experience(Time(400)).first_frame, Some(Time(200)));
}

#[test]
fn a_refresh_without_news_comes_again_after_half_the_time() {
    let (mut player, mut actions) = player(true);
    player.handle(Time(0), PlayerEvent::Listed(4..12), &mut actions);
    actions.clear();
    player.handle(Time(2_050_000), PlayerEvent::Listed(4..12), &mut actions);
    assert_eq!(actions, [PlayerAction::PollAt(Time(3_000_000))]);
}

#[test]
fn stalls_when_dry_and_counts_the_time() {
    let (mut player, mut actions) = player(true);
    player.handle(Time(0), PlayerEvent::Listed(0..3), &mut actions);
    player.handle(Time(0), PlayerEvent::Appended(LoadId(0)), &mut actions);
    let Some(PlayerAction::DryAt(at, ticket)) = actions
        .iter()
        .find(|a| matches!(a, PlayerAction::DryAt(..)))
        .cloned()
    else {
        panic!("no dry time in {actions:?}");
    };
    assert_eq!(at, Time(2_000_000));
    player.handle(at, PlayerEvent::DryDue(ticket), &mut actions);
    assert_eq!(player.position_us(at), None);
    player.handle(
        Time(2_500_000),
        PlayerEvent::Appended(LoadId(1)),
        &mut actions,
    );
    let seen = player.experience(Time(3_000_000));
    assert_eq!((seen.stalls, seen.stalled_us), (1, 500_000));
    assert_eq!(seen.played_us, 2_500_000);
    assert_eq!(player.position_us(Time(3_000_000)), Some(2_500_000));
}

#[test]
fn an_old_dry_time_means_nothing() {
    let (mut player, mut actions) = player(true);
    player.handle(Time(0), PlayerEvent::Listed(0..3), &mut actions);
    player.handle(Time(0), PlayerEvent::Appended(LoadId(0)), &mut actions);
    player.handle(Time(9), PlayerEvent::Appended(LoadId(1)), &mut actions);
    player.handle(Time(2_000_000), PlayerEvent::DryDue(1), &mut actions);
    assert!(player.is_playing());
}

#[test]
fn repeats_failures_ever_later_and_then_gives_up() {
    let (mut player, mut actions) = player(true);
    player.handle(Time(0), PlayerEvent::Listed(0..3), &mut actions);
    let mut waits = Vec::new();
    let mut now = Time(0);
    for n in 0..7 {
        actions.clear();
        player.handle(now, PlayerEvent::Failed(LoadId(n)), &mut actions);
        if let Some(PlayerAction::LookAt(at)) = actions.first() {
            waits.push((at.0 - now.0) / 1_000_000);
            now = *at;
            player.handle(now, PlayerEvent::LookDue, &mut actions);
        }
    }
    assert_eq!(waits, [1, 2, 4, 8, 8, 8]);
    assert!(player.experience(now).dead);
}

#[test]
fn left_behind_by_the_playlist_it_skips_to_the_edge() {
    let (mut player, mut actions) = player(true);
    player.handle(Time(0), PlayerEvent::Listed(0..8), &mut actions);
    player.handle(Time(0), PlayerEvent::Failed(LoadId(0)), &mut actions);
    actions.clear();
    player.handle(Time(40_000_000), PlayerEvent::Listed(20..28), &mut actions);
    assert!(actions.contains(&load(1, 25)));
    assert_eq!(player.experience(Time(40_000_000)).skips, 1);
}

#[test]
fn on_demand_it_plays_from_the_start_to_the_end_with_a_bounded_buffer() {
    let (mut player, mut actions) = player(false);
    player.handle(Time(0), PlayerEvent::Listed(0..20), &mut actions);
    assert_eq!(actions, [load(0, 0)]);
    for n in 0..15 {
        actions.clear();
        player.handle(Time(0), PlayerEvent::Appended(LoadId(n)), &mut actions);
    }
    assert!(actions.contains(&PlayerAction::LookAt(Time(1_000))));
    player.handle(Time(3_000_000), PlayerEvent::LookDue, &mut actions);
    assert!(actions.contains(&load(15, 15)));
}

#[test]
fn a_seek_aborts_and_is_no_stall() {
    let (mut player, mut actions) = player(false);
    player.handle(Time(0), PlayerEvent::Listed(0..20), &mut actions);
    player.handle(Time(0), PlayerEvent::Appended(LoadId(0)), &mut actions);
    actions.clear();
    player.handle(Time(500_000), PlayerEvent::Seek(21_000_000), &mut actions);
    assert!(actions.contains(&PlayerAction::Abort(LoadId(1))));
    assert!(actions.contains(&load(2, 10)));
    player.handle(
        Time(600_000),
        PlayerEvent::Appended(LoadId(2)),
        &mut actions,
    );
    assert_eq!(player.position_us(Time(600_000)), Some(21_000_000));
    assert_eq!(player.experience(Time(700_000)).stalls, 0);
}

//! Passwords that are tried: what is said, how often one may, and what is noted.

use evenkeel_web::{Level, Rules};

use crate::house::{House, everybody, user};

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_are_told_in_the_same_words() {
    let house = House::of(everybody()).await;
    let (wrong, unknown) = (house.try_in("admin", "wrong").await, house.try_in("nobody", "wrong").await);
    assert_eq!((wrong.status, unknown.status), (401, 401));
    let neutral = |body: &str| {
        let mut lines: Vec<_> = body.split('<').map(str::to_owned).collect();
        lines.retain(|line| !line.starts_with("time"));
        lines
    };
    assert_eq!(neutral(&wrong.body), neutral(&unknown.body));
    assert!(wrong.all("set-cookie").is_empty());
    let said = house.journal().await;
    assert_eq!(
        said,
        ["Somebody as admin did not get in from 127.0.0.1."],
        "the second came too soon for a line"
    );
}

#[tokio::test]
async fn a_password_in_the_field_of_the_name_is_repeated_nowhere() {
    let house = House::of(everybody()).await;
    let answer = house.try_in("hunter2hunter2", "x").await;
    assert!(!answer.body.contains("hunter2"), "{}", answer.body);
    let said = house.journal().await.join(" ");
    assert!(said.contains("Somebody with an unknown name") && !said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn whoever_tries_too_often_waits_and_then_may_again() {
    let house = House::of(Rules { users: vec![user("ada", Level::Viewer)], ..Rules::default() }).await;
    house.clock(0);
    for n in 0..6 {
        assert_eq!(house.try_in("ada", "wrong").await.status, 401, "{n}");
    }
    let held = house.try_in("ada", crate::house::PASSWORD).await;
    assert_eq!((held.status, held.header("retry-after")), (429, "1"), "even with the right one");
    house.clock(1);
    assert_eq!(house.try_in("ada", "wrong").await.status, 401);
    assert_eq!(house.try_in("ada", "wrong").await.header("retry-after"), "2");
    house.clock(3);
    house.log_in("ada").await;
    // The address keeps what failed there: whoever has one account must not try others for free.
    assert_eq!(house.try_in("ada", "wrong").await.status, 401);
    assert_eq!(house.try_in("ada", "wrong").await.header("retry-after"), "4");
    let said = house.journal().await;
    assert_eq!(said.len(), 2, "a flood of tries is no flood of lines: {said:?}");
    house.clock(7);
    let figures = house.get("/metrics", &[&house.log_in("ada").await]).await.body;
    for line in ["{outcome=\"won\"} 2", "{outcome=\"held\"} 3", "{outcome=\"lost\"} 8"] {
        assert!(figures.contains(line), "{line} in {figures}");
    }
}

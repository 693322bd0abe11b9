//! Who shares a batch, and who goes first.

use aimass_runtime::{Priority, TaskFinished};

use crate::desk::Entry;
use crate::probe::{Hold, Order};
use crate::stage::Stage;

#[tokio::test]
async fn a_batch_never_mixes_two_shapes_and_is_never_larger_than_allowed() {
    let stage = Stage::set(|setting| setting.probe.max_batch = 3).await;
    let gate = stage.asked(Order::answer(0).shape(9).hold(Hold::Blocked));
    stage.desk.began(0).await;
    let mut asked = Vec::new();
    for id in 1..=8 {
        let order = Order::answer(id).shape(u64::from(id % 2));
        asked.push(stage.asked(order).accepted(&stage).await);
    }
    stage.desk.open(0);
    gate.answer().await.unwrap();
    for asked in asked {
        asked.answer().await.unwrap();
    }
    assert_eq!(
        stage.desk.jobs(),
        [vec![0], vec![1, 3, 5], vec![2, 4, 6], vec![7], vec![8]]
    );
    let finished = stage.finished().await;
    let sizes: Vec<u32> = finished
        .iter()
        .map(|task| task.place.as_ref().unwrap().batch_size)
        .collect();
    assert_eq!(sizes.iter().filter(|size| **size == 3).count(), 6);
    let leader = |task: &TaskFinished| task.place.as_ref().unwrap().batch_leader;
    let leaders: Vec<_> = finished
        .iter()
        .filter(|task| leader(task).is_none())
        .collect();
    assert_eq!(leaders.len(), 5, "one of each batch");
    for task in finished.iter().filter(|task| leader(task).is_some()) {
        let led =
            |other: &&TaskFinished| Some(other.span) == leader(task).map(|leader| leader.span);
        let first = finished.iter().find(led).unwrap();
        let batch = |task: &TaskFinished| task.place.as_ref().unwrap().batch;
        assert_eq!((batch(task), leader(first)), (batch(first), None));
    }
    assert!(
        finished
            .iter()
            .all(|task| task.steps > 0 && task.model_ns > 0)
    );
    stage.close().await;
}

#[tokio::test]
async fn urgent_work_overtakes_between_two_steps_of_a_job() {
    let stage = Stage::new().await;
    let slow = stage.start(
        stage
            .ask(Order::answer(0).hold(Hold::Stepping))
            .priority(Priority::Background),
    );
    stage.desk.began(0).await;
    let normal = stage.asked(Order::answer(1).hold(Hold::Stepping));
    stage.desk.began(1).await;
    // One worker, two jobs under way: the most urgent is served above both.
    let urgent = stage
        .ask(Order::answer(2))
        .priority(Priority::Interactive)
        .await
        .unwrap();
    assert_eq!(urgent.id, 2);
    let waits = stage.asked(Order::answer(3)).accepted(&stage).await;
    stage.desk.open(0);
    stage.desk.open(1);
    for asked in [slow, normal, waits] {
        asked.answer().await.unwrap();
    }
    let jobs = stage.desk.jobs();
    assert_eq!(jobs[..3], [[0], [1], [2]]);
    stage.close().await;
}

#[tokio::test]
async fn background_work_is_served_although_urgent_work_never_ends() {
    let stage = Stage::new().await;
    let gate = stage.asked(Order::answer(0).hold(Hold::Blocked));
    stage.desk.began(0).await;
    let background = stage.ask(Order::answer(1)).priority(Priority::Background);
    let background = stage.start(background).accepted(&stage).await;
    let mut urgent = Vec::new();
    for id in 100..200 {
        let ask = stage.ask(Order::answer(id)).priority(Priority::Interactive);
        urgent.push(stage.start(ask).accepted(&stage).await);
    }
    stage.desk.open(0);
    gate.answer().await.unwrap();
    background.answer().await.unwrap();
    for asked in urgent {
        asked.answer().await.unwrap();
    }
    let turn = stage
        .desk
        .jobs()
        .iter()
        .position(|job| *job == [1])
        .unwrap();
    assert!(turn <= 20, "it came as number {turn}");
    stage.close().await;
}

#[tokio::test]
async fn tasks_of_the_same_skill_and_shape_join_a_running_job() {
    let stage = Stage::set(|setting| setting.probe.max_batch = 3).await;
    let first = stage.asked(Order::answer(0).hold(Hold::Stepping));
    stage.desk.began(0).await;
    let joins = stage.asked(Order::answer(1));
    stage
        .desk
        .until(|log| log.contains(&Entry::Joined(vec![1])))
        .await;
    let other = stage
        .asked(Order::answer(2).shape(5))
        .accepted(&stage)
        .await;
    stage.desk.open(0);
    for asked in [first, joins, other] {
        asked.answer().await.unwrap();
    }
    assert_eq!(stage.desk.jobs(), [[0], [2]]);
    stage.close().await;
}

//! Streams: items in order, one end, and what a fault costs before and after the first item.

use std::time::Duration;

use aimass_runtime::{JsonReceived, Skill, TaskError, TaskOptions, TaskStream};

use serde_json::json;

use crate::probe::{Count, Counting, Hold, Order, Sum};
use crate::stage::Stage;

fn counting(id: u32, items: u32) -> Counting {
    Counting {
        id,
        items,
        panic_at: None,
        falter_at: None,
    }
}

fn listen(stage: &Stage, counting: Counting) -> TaskStream<Count> {
    stage.runtime.stream::<Count>(counting).unwrap()
}

/// All items of a stream, and what ended it if it was an error.
async fn recv(stream: &mut TaskStream<Count>) -> (Vec<u32>, Option<TaskError>) {
    let mut items = Vec::new();
    let mut error = None;
    while let Some(received) = stream.next().await {
        match received {
            Ok(item) => items.push(item),
            Err(found) => assert!(error.replace(found).is_none(), "a second terminal item"),
        }
    }
    assert!(stream.next().await.is_none(), "nothing follows the end");
    (items, error)
}

#[tokio::test]
async fn a_fault_before_the_first_item_is_retried_as_usual() {
    let stage = Stage::new().await;
    for (id, counting) in [
        (
            1,
            Counting {
                falter_at: Some(0),
                ..counting(1, 5)
            },
        ),
        (
            2,
            Counting {
                panic_at: Some(0),
                ..counting(2, 5)
            },
        ),
    ] {
        let (items, error) = recv(&mut listen(&stage, counting)).await;
        assert_eq!((items, error), (vec![0, 1, 2, 3, 4], None));
        assert_eq!(stage.desk.runs(id), 2);
    }
    stage.close().await;
}

#[tokio::test]
async fn a_fault_after_the_first_item_interrupts_and_says_how_many_items_were_delivered() {
    let stage = Stage::new().await;
    for (id, counting) in [
        (
            1,
            Counting {
                falter_at: Some(3),
                ..counting(1, 5)
            },
        ),
        (
            2,
            Counting {
                panic_at: Some(3),
                ..counting(2, 5)
            },
        ),
    ] {
        let (items, error) = recv(&mut listen(&stage, counting)).await;
        assert_eq!(items, [0, 1, 2]);
        let Some(TaskError::Interrupted { delivered, .. }) = error else {
            panic!("expected an interruption, got {error:?}");
        };
        assert_eq!(delivered, 3);
        assert_eq!(stage.desk.runs(id), 1, "no item is ever repeated");
    }
    stage.close().await;
}

#[tokio::test]
async fn a_slow_reader_slows_its_own_stream_only() {
    let stage = Stage::new().await;
    let mut slow = listen(&stage, counting(1, 1000));
    assert_eq!(slow.next().await.unwrap().unwrap(), 0);
    // Nobody reads on: the job rests, and its worker serves others meanwhile.
    for id in 10..20 {
        stage.ask(Order::answer(id)).await.unwrap();
    }
    let (items, _) = recv(&mut listen(&stage, counting(2, 200))).await;
    assert_eq!(items.len(), 200);
    assert_eq!(stage.tasks(), 1, "the slow one is not done");
    let (items, error) = recv(&mut slow).await;
    assert_eq!((items, error), ((1..1000).collect(), None));
    stage.close().await;
}

#[tokio::test]
async fn a_slow_reader_does_not_hold_up_those_who_share_its_batch() {
    let stage = Stage::set(|setting| setting.probe.max_batch = 2).await;
    // Both wait for the worker, so that they begin together.
    let held = stage.asked(Order::answer(9).hold(Hold::Blocked));
    stage.desk.began(9).await;
    let mut slow = listen(&stage, counting(1, 1000));
    let mut quick = listen(&stage, counting(2, 1000));
    stage.desk.open(9);
    held.answer().await.unwrap();
    let (items, error) = recv(&mut quick).await;
    assert_eq!((items, error), ((0..1000).collect(), None));
    assert!(stage.desk.jobs().contains(&vec![1, 2]));
    let (items, error) = recv(&mut slow).await;
    assert_eq!((items, error), ((0..1000).collect(), None));
    stage.close().await;
}

/// Whatever number of items the quick one ends at: the slow one's buffer may be full at that very step.
#[tokio::test]
async fn a_slow_reader_is_heard_when_its_neighbour_ends_while_its_buffer_is_full() {
    let stage = Stage::set(|setting| setting.probe.max_batch = 2).await;
    for items in 1..=100 {
        let held = stage.asked(Order::answer(1000 + items).hold(Hold::Blocked));
        stage.desk.began(1000 + items).await;
        let mut slow = listen(&stage, counting(2 * items, 200));
        let mut quick = listen(&stage, counting(2 * items + 1, items));
        stage.desk.open(1000 + items);
        held.answer().await.unwrap();
        let (received, error) = recv(&mut quick).await;
        assert_eq!((received, error), ((0..items).collect(), None));
        let received = tokio::time::timeout(Duration::from_secs(20), recv(&mut slow)).await;
        let (received, error) = received
            .unwrap_or_else(|_| panic!("the slow one hangs after {items} of the quick one"));
        assert_eq!((received, error), ((0..200).collect(), None));
    }
    stage.close().await;
}

#[tokio::test]
async fn dropping_a_stream_cancels_its_task_even_while_it_rests() {
    let stage = Stage::new().await;
    let mut stream = listen(&stage, counting(1, u32::MAX));
    assert_eq!(stream.next().await.unwrap().unwrap(), 0);
    drop(stream);
    stage.ask(Order::answer(2)).await.unwrap();
    let report = stage.close().await;
    assert_eq!((report.cut_off, report.left_behind), (0, false));
}

#[tokio::test]
async fn a_stream_that_waits_for_chunks_lets_others_be_served_and_ends_with_its_caller() {
    let stage = Stage::new().await;
    let (chunks, mut sums) = stage.runtime.open::<Sum>(100).unwrap();
    for id in 0..3 {
        stage.ask(Order::answer(id)).await.unwrap();
        chunks.send(id).await.unwrap();
    }
    let mut received = Vec::new();
    for _ in 0..3 {
        received.push(sums.next().await.unwrap().unwrap());
    }
    assert_eq!(received, [100, 101, 103]);
    drop(chunks);
    assert_eq!(sums.output().await.unwrap(), 103);

    let (chunks, sums) = stage.runtime.open::<Sum>(0).unwrap();
    chunks.send(1).await.unwrap();
    drop(sums);
    stage.ask(Order::answer(9)).await.unwrap();
    while chunks.send(1).await.is_ok() {
        tokio::task::yield_now().await;
    }
    stage.close().await;
}

#[tokio::test]
async fn a_live_stream_in_json_refuses_what_is_no_chunk_and_goes_on() {
    let stage = Stage::new().await;
    let options = TaskOptions::default();
    let (chunks, mut sums) = stage
        .runtime
        .open_json(Sum::NAME, json!(1), options)
        .unwrap();
    let error = chunks.send(json!("five")).await.unwrap_err();
    assert!(matches!(error, TaskError::InvalidInput { .. }), "{error}");
    chunks.send(json!(5)).await.unwrap();
    assert_eq!(
        sums.next().await.unwrap().unwrap(),
        JsonReceived::Item(json!(6))
    );
    drop(chunks);
    assert_eq!(
        sums.next().await.unwrap().unwrap(),
        JsonReceived::Output(json!(6))
    );
    assert!(sums.next().await.is_none());
    stage.close().await;
}

#[tokio::test]
async fn a_stream_past_its_deadline_ends_so() {
    let stage = Stage::new().await;
    let ask = stage.runtime.ask::<Count>(counting(1, u32::MAX));
    let mut stream = ask.deadline(Duration::from_millis(50)).stream().unwrap();
    let (_, error) = recv(&mut stream).await;
    assert!(
        matches!(error, Some(TaskError::DeadlineExceeded { .. })),
        "{error:?}"
    );
    stage.close().await;
}

#[tokio::test]
async fn a_stream_in_json_is_the_same_stream() {
    let stage = Stage::new().await;
    let input = serde_json::to_value(counting(1, 3)).unwrap();
    let options = TaskOptions::default();
    let mut stream = stage
        .runtime
        .stream_json(Count::NAME, input, options)
        .unwrap();
    let mut received = Vec::new();
    while let Some(next) = stream.next().await {
        received.push(format!("{:?}", next.unwrap()));
    }
    assert_eq!(
        received,
        [
            "Item(Number(0))",
            "Item(Number(1))",
            "Item(Number(2))",
            "Output(Number(3))"
        ]
    );
    stage.close().await;
}

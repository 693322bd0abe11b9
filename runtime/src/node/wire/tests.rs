//! Frames, cut and changed in every way.

use tokio::io::AsyncWriteExt;

use super::*;

#[tokio::test]
async fn frames_come_back_whole_however_they_are_cut() {
    let mut bytes = encode(&ClientFrame::Hello { protocol: 7 }).unwrap();
    bytes.extend(encode(&ClientFrame::Cancel { call: 9 }).unwrap());
    for cut in 1..bytes.len() {
        let source = bytes[..cut].chain(&bytes[cut..]);
        let mut reader = FrameReader::new(source);
        let first: Option<ClientFrame> = reader.next().await.unwrap();
        assert!(matches!(first, Some(ClientFrame::Hello { protocol: 7 })));
        let second: Option<ClientFrame> = reader.next().await.unwrap();
        assert!(matches!(second, Some(ClientFrame::Cancel { call: 9 })));
        assert!(reader.next::<ClientFrame>().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_length_beyond_the_limit_is_refused_before_its_bytes_come() {
    let mut reader = FrameReader::new(&[0xff, 0xff, 0xff, 0xff][..]);
    let refused = reader.next::<ClientFrame>().await.unwrap_err();
    assert!(matches!(refused, WireError::TooLarge { .. }), "{refused}");
    assert!(reader.buffer.capacity() <= 2 * READ_CHUNK);
}

#[tokio::test]
async fn a_frame_that_ends_early_is_refused() {
    let bytes = encode(&ClientFrame::Hello { protocol: 1 }).unwrap();
    for cut in 1..bytes.len() {
        let refused = FrameReader::new(&bytes[..cut]).next::<ClientFrame>().await;
        assert!(matches!(refused, Err(WireError::Truncated)), "{cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_rest_of_a_frame_for_ever() {
    let bytes = encode(&ClientFrame::Hello { protocol: 1 }).unwrap();
    for cut in 1..bytes.len() {
        let (mut peer, source) = tokio::io::duplex(1 << 10);
        let mut reader = FrameReader::new(source);
        // Between two frames a peer may be silent for as long as it likes.
        let day = Duration::from_secs(24 * 3600);
        let silent = tokio::time::timeout(day, reader.next::<ClientFrame>()).await;
        assert!(silent.is_err(), "{cut}");
        peer.write_all(&bytes[..cut]).await.unwrap();
        let refused = reader.next::<ClientFrame>().await;
        assert!(matches!(refused, Err(WireError::Stuck)), "{cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_comes_slowly_is_read() {
    let bytes = encode(&ClientFrame::Hello { protocol: 1 }).unwrap();
    let (mut peer, source) = tokio::io::duplex(1 << 10);
    let slowly = async {
        for byte in &bytes {
            let nothing = std::future::pending::<()>();
            let _ = tokio::time::timeout(PART_LIMIT / 2, nothing).await;
            peer.write_all(&[*byte]).await.unwrap();
        }
    };
    let mut reader = FrameReader::new(source);
    let (read, ()) = tokio::join!(reader.next::<ClientFrame>(), slowly);
    assert!(matches!(read, Ok(Some(ClientFrame::Hello { .. }))));
}

#[tokio::test]
async fn what_is_wrong_with_a_frame_is_said_without_quoting_it() {
    for frame in [
        r#"{"frame":"call","call":"my password"}"#,
        r#"{"frame":"my password"}"#,
        r#"{"frame":"cancel","my password":1}"#,
    ] {
        let mut bytes = (frame.len() as u32).to_le_bytes().to_vec();
        bytes.extend_from_slice(frame.as_bytes());
        let refused = FrameReader::new(&bytes[..]).next::<ClientFrame>().await;
        let said = refused.unwrap_err().to_string();
        assert!(!said.contains("password"), "{said}");
    }
}

#[test]
fn a_frame_that_is_too_large_is_not_made() {
    let reply = Value::String("x".repeat(MAX_FRAME));
    let refused = encode(&NodeFrame::Done { call: 1, reply });
    assert!(matches!(refused, Err(WireError::TooLarge { .. })));
}

fn put(bytes: &[u8]) -> ClientFrame {
    ClientFrame::Call {
        call: 3,
        request: Box::new(Request::PutBlob {
            upload: aimass_environment::UploadId::random(),
            position: 0,
            is_last: true,
            bytes: bytes.to_vec(),
        }),
    }
}

#[tokio::test]
async fn what_stands_behind_the_json_comes_as_it_is() {
    let every_byte: Vec<u8> = (0..=255).collect();
    let large = vec![b'}'; MAX_FRAME - 200];
    let contents: [&[u8]; 7] = [
        b"",
        br#"{"frame":"hello","protocol":9}"#,
        b"}]\"",
        b" ",
        b"\0",
        &every_byte,
        &large,
    ];
    let mut sent = Vec::new();
    for content in contents {
        sent.extend(encode(&put(content)).unwrap());
        let item = NodeFrame::Item {
            call: 3,
            item: Value::Null,
            bytes: content.to_vec(),
        };
        sent.extend(encode(&item).unwrap());
    }
    let mut reader = FrameReader::new(&sent[..]);
    for content in contents {
        let call = reader.next::<ClientFrame>().await.unwrap().unwrap();
        assert_eq!(call.attachment(), content);
        let item = reader.next::<NodeFrame>().await.unwrap().unwrap();
        assert_eq!(item.attachment(), content);
    }
    assert!(reader.next::<ClientFrame>().await.unwrap().is_none());
}

#[tokio::test]
async fn an_attachment_counts_towards_the_limit_of_its_frame() {
    let refused = encode(&put(&vec![0; MAX_FRAME]));
    assert!(matches!(refused, Err(WireError::TooLarge { .. })));
}

#[tokio::test]
async fn a_frame_that_takes_no_bytes_is_refused_with_some() {
    for body in [
        r#"{"frame":"cancel","call":1}x"#,
        r#"{"frame":"cancel","call":1} "#,
    ] {
        let bytes = framed(body.as_bytes());
        let refused = FrameReader::new(&bytes[..]).next::<ClientFrame>().await;
        assert!(matches!(refused, Err(WireError::Attached { bytes: 1 })));
    }
    for body in [
        "",
        " ",
        "x",
        "{}x",
        "nullx",
        r#"{"frame":"cancel","call":1x}"#,
    ] {
        let bytes = framed(body.as_bytes());
        let refused = FrameReader::new(&bytes[..]).next::<ClientFrame>().await;
        assert!(matches!(refused, Err(WireError::Malformed(_))), "{body}");
    }
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_le_bytes()[..], body].concat()
}

#[tokio::test]
async fn frames_with_any_byte_changed_are_read_or_refused() {
    let frame = encode(&put(br#"{"is":"json"}"#)).unwrap();
    for at in LENGTH_BYTES..frame.len() {
        for byte in 0..=255 {
            let mut changed = frame.clone();
            changed[at] = byte;
            let mut reader = FrameReader::new(&changed[..]);
            match reader.next::<ClientFrame>().await {
                Ok(Some(read)) => assert!(read.attachment().len() <= frame.len()),
                Ok(None) => panic!("a frame is something"),
                Err(error) => assert!(matches!(
                    error,
                    WireError::Malformed(_) | WireError::Attached { .. }
                )),
            }
        }
    }
}

//! The devices of a machine.

/// A device that this machine has besides the processor, and this build can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentDevice {
    /// Its name in a placement: `cuda:N` or `metal:N`.
    pub name: String,
    /// What its maker calls it.
    pub product: String,
    /// The memory that is free on it, in bytes.
    pub free_bytes: u64,
}

/// The devices that this machine has besides the processor, and this build can use: none without the features `cuda` and `metal`.
///
/// It opens each of them, which takes a moment and some memory on the device.
#[must_use]
pub fn present() -> Vec<PresentDevice> {
    (0..)
        .map_while(|ordinal| cuda(ordinal).or_else(|| metal(ordinal)))
        .collect()
}

#[cfg(feature = "cuda")]
fn cuda(ordinal: usize) -> Option<PresentDevice> {
    let Ok(candle_core::Device::Cuda(device)) = candle_core::Device::new_cuda(ordinal) else {
        return None;
    };
    let stream = device.cuda_stream();
    let context = stream.context();
    let (free, _) = context.mem_get_info().ok()?;
    Some(PresentDevice {
        name: format!("cuda:{ordinal}"),
        product: context.name().ok()?,
        free_bytes: free as u64,
    })
}

#[cfg(feature = "metal")]
fn metal(ordinal: usize) -> Option<PresentDevice> {
    // candle takes the device out of a list without a look at its length. Machines of Apple's have one.
    if ordinal > 0 {
        return None;
    }
    let Ok(candle_core::Device::Metal(device)) = candle_core::Device::new_metal(ordinal) else {
        return None;
    };
    let device = device.metal_device();
    let free = device.recommended_max_working_set_size();
    Some(PresentDevice {
        name: format!("metal:{ordinal}"),
        product: device.architecture_name(),
        free_bytes: free.saturating_sub(device.current_allocated_size()) as u64,
    })
}

#[cfg(not(feature = "cuda"))]
fn cuda(_: usize) -> Option<PresentDevice> {
    None
}

#[cfg(not(feature = "metal"))]
fn metal(_: usize) -> Option<PresentDevice> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_memory_and_can_be_opened_by_its_name() {
        let found = present();
        for device in &found {
            assert!(super::super::open(&device.name).is_ok(), "{device:?}");
            assert!(device.free_bytes > 0, "{device:?}");
        }
        let is_for_the_processor = cfg!(not(any(feature = "cuda", feature = "metal")));
        assert!(!is_for_the_processor || found.is_empty());
    }
}

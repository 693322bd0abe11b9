//! Placement: which device each worker runs on, and where it goes when that one is lost.

use std::collections::HashMap;

use crate::model::{DeviceName, ParseDeviceError};

/// A worker's devices, the wished one first.
#[derive(Debug, Clone)]
pub(crate) struct Placement {
    devices: Vec<DeviceName>,
    at: usize,
    /// Whether a worker has been ready on the present one.
    served: bool,
}

impl Placement {
    pub(crate) fn new(devices: Vec<DeviceName>) -> Self {
        Self {
            devices,
            at: 0,
            served: false,
        }
    }

    /// A worker is ready on the present device.
    pub(crate) fn serves(&mut self) {
        self.served = true;
    }

    /// Whether the last device is one that never worked: neither another one nor another try helps, only the user does.
    pub(crate) fn is_at_its_end(&self) -> bool {
        self.at + 1 >= self.devices.len() && !self.served
    }

    pub(crate) fn device(&self) -> DeviceName {
        self.devices
            .get(self.at)
            .copied()
            .unwrap_or(DeviceName::Cpu)
    }

    /// Goes to the next device; stays on the last one, which is tried again.
    pub(crate) fn fall_back(&mut self) {
        if self.at + 1 < self.devices.len() {
            self.at += 1;
            self.served = false;
        }
    }
}

/// A device that workers may be placed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceCapacity {
    /// The device.
    pub device: DeviceName,
    /// Its memory for models, in bytes.
    pub memory_bytes: u64,
}

/// Places workers on devices: `auto` packs by declared memory and spreads by load.
#[derive(Debug, Default)]
pub(crate) struct Placer {
    devices: Vec<DeviceCapacity>,
    used_bytes: HashMap<DeviceName, u64>,
    workers: HashMap<DeviceName, u32>,
}

impl Placer {
    /// A placer over the devices that the machine has besides the processor.
    pub(crate) fn new(devices: Vec<DeviceCapacity>) -> Self {
        Self {
            devices,
            ..Self::default()
        }
    }

    /// The devices of one worker: its wish, and its fallbacks.
    ///
    /// # Errors
    /// The first of `wishes` that names no device.
    pub(crate) fn place(
        &mut self,
        wishes: &[String],
        memory_bytes: u64,
    ) -> Result<Vec<DeviceName>, ParseDeviceError> {
        let mut placed = Vec::new();
        for wish in wishes {
            let device = match wish.as_str() {
                "auto" => self.choose(memory_bytes),
                name => name.parse()?,
            };
            if !placed.contains(&device) {
                placed.push(device);
            }
        }
        let first = placed.first().copied().unwrap_or(DeviceName::Cpu);
        let used = self.used_bytes.entry(first).or_default();
        *used = used.saturating_add(memory_bytes);
        *self.workers.entry(first).or_default() += 1;
        Ok(placed)
    }

    /// The device with room that has the fewest workers; the processor when none has room.
    fn choose(&self, memory_bytes: u64) -> DeviceName {
        let used = |device: &DeviceName| self.used_bytes.get(device).copied().unwrap_or(0);
        self.devices
            .iter()
            .filter(|capacity| {
                used(&capacity.device).saturating_add(memory_bytes) <= capacity.memory_bytes
            })
            .min_by_key(|capacity| {
                let workers = self.workers.get(&capacity.device).copied().unwrap_or(0);
                (workers, used(&capacity.device))
            })
            .map_or(DeviceName::Cpu, |capacity| capacity.device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn two_devices() -> Placer {
        Placer::new(vec![
            DeviceCapacity {
                device: DeviceName::Cuda(0),
                memory_bytes: 4 * GIB,
            },
            DeviceCapacity {
                device: DeviceName::Cuda(1),
                memory_bytes: 2 * GIB,
            },
        ])
    }

    fn auto(placer: &mut Placer, memory_bytes: u64) -> DeviceName {
        placer.place(&["auto".to_owned()], memory_bytes).unwrap()[0]
    }

    #[test]
    fn auto_spreads_by_load_and_packs_by_memory() {
        let mut placer = two_devices();
        assert_eq!(auto(&mut placer, GIB), DeviceName::Cuda(0));
        assert_eq!(auto(&mut placer, GIB), DeviceName::Cuda(1));
        assert_eq!(auto(&mut placer, 3 * GIB), DeviceName::Cuda(0));
        assert_eq!(
            auto(&mut placer, 3 * GIB),
            DeviceName::Cpu,
            "no device has room"
        );
        assert_eq!(auto(&mut placer, GIB), DeviceName::Cuda(1));
    }

    #[test]
    fn a_lost_device_is_left_for_its_fallback_and_the_last_one_is_tried_again() {
        let wishes = ["cuda:1".to_owned(), "cpu".to_owned()];
        let devices = two_devices().place(&wishes, 0).unwrap();
        let mut placement = Placement::new(devices);
        assert_eq!(placement.device(), DeviceName::Cuda(1));
        placement.serves();
        placement.fall_back();
        assert!(placement.is_at_its_end());
        placement.fall_back();
        assert_eq!(placement.device(), DeviceName::Cpu);
        placement.serves();
        assert!(!placement.is_at_its_end());
    }

    #[test]
    fn an_unknown_device_is_refused() {
        assert!(two_devices().place(&["tpu:0".to_owned()], 0).is_err());
    }
}

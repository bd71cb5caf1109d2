//! Bytes read as choices. When they run out, every further choice is zero: any bytes are a valid input.

/// What is left of the bytes.
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// All of them.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether all have been read.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next `len` bytes, or as many as there are.
    pub(crate) fn take(&mut self, len: usize) -> &'a [u8] {
        let (now, later) = self.0.split_at(len.min(self.0.len()));
        self.0 = later;
        now
    }

    /// As many bytes, zeros once they have run out.
    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut all = [0; N];
        let taken = self.take(N);
        all.iter_mut().zip(taken).for_each(|(to, from)| *to = *from);
        all
    }

    /// One byte.
    pub(crate) fn u8(&mut self) -> u8 {
        let [byte] = self.array();
        byte
    }

    /// Two bytes.
    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.array())
    }

    /// Four bytes.
    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.array())
    }

    /// A number from `least` to `most`, both included.
    pub(crate) fn between(&mut self, least: u32, most: u32) -> u32 {
        least + self.u32() % (most - least + 1)
    }

    /// Half the bytes, by the number that the next two are, and the rest of them.
    pub(crate) fn split(mut self) -> (&'a [u8], &'a [u8]) {
        let at = usize::from(self.u16()).min(self.0.len());
        self.0.split_at(at)
    }
}

//! Why a request is turned down, and why a peer leaves. A value from a later edition of the protocol
//! reads as unspecified: a reason is advice, and no ground for ending a connection.

macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $value:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
        #[repr(u8)]
        pub enum $name {
            /// No reason given, or one that this version does not know (0).
            #[default]
            Unspecified = 0,
            $($(#[$vdoc])* $variant = $value,)*
        }

        impl $name {
            /// The reason behind a byte; [`Self::Unspecified`] if it is unknown.
            pub fn from_byte(byte: u8) -> Self {
                match byte {
                    $($value => Self::$variant,)*
                    _ => Self::Unspecified,
                }
            }

            /// The byte that stands for it.
            pub fn to_byte(self) -> u8 {
                self as u8
            }
        }
    };
}

reasons! {
    /// Why a requested range is not going to be sent.
    RejectReason {
        /// The holder does not have these leaves, or no longer (1).
        NotHeld = 1,
        /// The holder's upload queue is full; ask again later or elsewhere (2).
        Busy = 2,
        /// The holder does not upload (3).
        NoUpload = 3,
        /// The holder could not have served it in time (4).
        TooLate = 4,
    }
}

reasons! {
    /// Why a peer ends the connection.
    ByeReason {
        /// The viewer leaves (1).
        Leaving = 1,
        /// The viewer switched P2P off (2).
        SwitchedOff = 2,
        /// A better neighbour took this one's place (3).
        Replaced = 3,
        /// The two are connected already (4).
        Duplicate = 4,
        /// A message broke the protocol (5).
        Protocol = 5,
        /// Bytes did not match their hash (6).
        BadHash = 6,
        /// Nothing was heard for too long (7).
        Silent = 7,
        /// There are enough neighbours (8).
        Full = 8,
        /// The receiver's version is not the sender's (9).
        Version = 9,
        /// Too much was sent that nobody asked for (10).
        Flood = 10,
        /// What was announced was not delivered (11).
        Unkept = 11,
    }
}

//! web-sys adapters: the browser as the host of a core engine.

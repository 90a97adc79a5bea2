/// A block of bytes: what ``Bytes`` and ``BytesBuilder`` refer to.
///
/// A small block lives in the object itself, one allocation in all; a large one comes from
/// ``LargeBlocks`` and goes back there.
///
/// A slab is written only by the one ``BytesBuilder`` that made it, and only before the first
/// ``Bytes`` over it exists; from then on nothing writes to it, so it may be shared by threads.
@usableFromInline
final class Slab: ManagedBuffer<Slab.Header, UInt8> {
    @usableFromInline
    @safe
    struct Header {
        /// The large block, if this is one.
        @usableFromInline let block: UnsafeMutableRawPointer?
        @usableFromInline let blockBytes: Int

        @inlinable
        init(block: UnsafeMutableRawPointer?, blockBytes: Int) {
            unsafe self.block = block
            self.blockBytes = blockBytes
        }
    }

    /// From here on, blocks are recycled instead of allocated.
    @usableFromInline static var largeBytes: Int { 64 << 10 }

    @inlinable
    static func make(capacity: Int) -> Slab {
        if capacity >= largeBytes { return makeLarge(capacity: capacity) }
        return unsafe unsafeDowncast(
            Slab.create(minimumCapacity: capacity) { _ in unsafe Header(block: nil, blockBytes: 0) }, to: Slab.self)
    }

    @usableFromInline
    static func makeLarge(capacity: Int) -> Slab {
        let blockBytes = LargeBlocks.roundedUp(capacity)
        return unsafe unsafeDowncast(
            Slab.create(minimumCapacity: 0) { _ in
                unsafe Header(block: LargeBlocks.shared.take(blockBytes), blockBytes: blockBytes)
            }, to: Slab.self)
    }

    deinit {
        // By a pointer, for each access to `header` itself is checked at run time.
        let header = unsafe withUnsafeMutablePointerToHeader { unsafe $0.pointee }
        if let block = unsafe header.block { unsafe LargeBlocks.shared.giveBack(block, header.blockBytes) }
    }

    /// The first byte; valid while the slab is alive.
    @inlinable
    var base: UnsafeMutableRawPointer {
        unsafe withUnsafeMutablePointers { header, elements in
            unsafe header.pointee.block ?? UnsafeMutableRawPointer(elements)
        }
    }
}

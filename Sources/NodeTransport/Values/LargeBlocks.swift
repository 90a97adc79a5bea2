internal import Synchronization

/// Keeps large blocks of memory for the next message that needs one.
///
/// An allocator hands such blocks back to the operating system when they are freed, and each next one
/// costs a page fault for every 4 KiB: more than all else that happens to a message of 1 MiB.
/// At most ``maximumKeptBytes`` are kept, in all.
final class LargeBlocks: Sendable {
    /// Blocks of one size.
    @safe
    private struct Shelf {
        // Sound: a block on a shelf belongs to the shelf alone.
        var blocks: [UnsafeMutableRawPointer] = unsafe []
    }

    // Sound: only ever touched under the lock.
    private struct Storage: @unchecked Sendable {
        var shelves = [Shelf](repeating: Shelf(), count: 64)
        var keptBytes = 0
    }

    static let shared = LargeBlocks()

    private static let maximumKeptBytes = 64 << 20
    private static let maximumBlockBytes = 16 << 20
    private static let alignment = 64

    private let storage = Mutex(Storage())

    /// The size of the block that serves `capacity`: the next power of two or three quarters of it.
    static func roundedUp(_ capacity: Int) -> Int {
        guard capacity <= maximumBlockBytes else { return capacity }
        var size = 1
        while size < capacity { size *= 2 }
        return size / 4 * 3 >= capacity ? size / 4 * 3 : size
    }

    /// Two shelves for each power of two.
    private static func shelf(_ blockBytes: Int) -> Int {
        let exponent = Int.bitWidth - 1 - blockBytes.leadingZeroBitCount
        return min(exponent * 2 + (blockBytes & (blockBytes - 1) == 0 ? 0 : 1), 63)
    }

    /// A block of `blockBytes`, a size that ``roundedUp(_:)`` answers.
    func take(_ blockBytes: Int) -> UnsafeMutableRawPointer {
        let kept =
            unsafe blockBytes > Self.maximumBlockBytes
            ? nil
            : storage.withLock { storage -> UnsafeMutableRawPointer? in
                guard let block = unsafe storage.shelves[Self.shelf(blockBytes)].blocks.popLast() else { return nil }
                storage.keptBytes -= blockBytes
                return unsafe block
            }
        return unsafe kept ?? UnsafeMutableRawPointer.allocate(byteCount: blockBytes, alignment: Self.alignment)
    }

    /// Takes a block back that ``take(_:)`` handed out.
    func giveBack(_ block: UnsafeMutableRawPointer, _ blockBytes: Int) {
        let isKept =
            blockBytes <= Self.maximumBlockBytes
            && storage.withLock { storage in
                guard storage.keptBytes + blockBytes <= Self.maximumKeptBytes else { return false }
                unsafe storage.shelves[Self.shelf(blockBytes)].blocks.append(block)
                storage.keptBytes += blockBytes
                return true
            }
        if !isKept { unsafe block.deallocate() }
    }
}

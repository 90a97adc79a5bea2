/// A queue in a ring that grows when it is full.
///
/// Why not an array: its storage is reached without checks of exclusive access and of uniqueness, which cost a small
/// call more than the queue itself.
@safe
final class FIFO<Element> {
    /// A ring larger than this is not kept when it has become empty.
    private static var keptCapacity: Int { 4096 }

    // Sound: `count` elements are initialized, from `head` on and around the end; `capacity` is a power of two.
    private var base: UnsafeMutablePointer<Element>?
    private var capacity = 0
    private var head = 0
    private(set) var count = 0

    deinit { removeAll() }

    var isEmpty: Bool { count == 0 }

    var first: Element? { self[0] }

    /// The element `offset` places behind the first; nil when there is none.
    subscript(offset: Int) -> Element? {
        guard offset >= 0, offset < count, let base = unsafe base else { return nil }
        return unsafe base[(head &+ offset) & (capacity &- 1)]
    }

    func append(_ element: consuming Element) {
        if count == capacity { grow() }
        guard let base = unsafe base else { return }
        unsafe (base + ((head &+ count) & (capacity &- 1))).initialize(to: element)
        count &+= 1
    }

    /// Puts another element in the place of the last; nothing when there is none.
    func replaceLast(_ element: Element) {
        guard count > 0, let base = unsafe base else { return }
        unsafe base[(head &+ count &- 1) & (capacity &- 1)] = element
    }

    func popFirst() -> Element? {
        guard count > 0, let base = unsafe base else { return nil }
        let element = unsafe (base + head).move()
        head = (head &+ 1) & (capacity &- 1)
        count &-= 1
        if count == 0 && capacity > Self.keptCapacity { releaseRing() }
        return element
    }

    func removeAll() {
        while let element = popFirst() { withExtendedLifetime(element) {} }
        releaseRing()
    }

    private func grow() {
        let larger = max(capacity * 2, 4)
        let room = UnsafeMutablePointer<Element>.allocate(capacity: larger)
        if let base = unsafe base {
            let toEnd = min(count, capacity - head)
            unsafe room.moveInitialize(from: base + head, count: toEnd)
            unsafe (room + toEnd).moveInitialize(from: base, count: count - toEnd)
            unsafe base.deallocate()
        }
        unsafe base = room
        capacity = larger
        head = 0
    }

    private func releaseRing() {
        unsafe base?.deallocate()
        unsafe base = nil
        capacity = 0
        head = 0
    }
}

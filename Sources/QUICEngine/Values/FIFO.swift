/// A queue in an array: taking from the front costs what taking from the back does, on average.
struct FIFO<Element> {
    private var elements: [Element?] = []
    private var head = 0

    var count: Int { elements.count - head }
    var isEmpty: Bool { count == 0 }
    var first: Element? { isEmpty ? nil : elements[head] }

    /// The element `offset` places behind the first.
    subscript(offset: Int) -> Element? { elements[head + offset] }

    mutating func append(_ element: Element) {
        elements.append(element)
    }

    /// Puts another element in the place of the last.
    mutating func replaceLast(_ element: Element) {
        guard !isEmpty else { return }
        elements[elements.count - 1] = element
    }

    /// Puts another element in the place of the one `offset` places behind the first.
    mutating func replace(at offset: Int, _ element: Element) {
        elements[head + offset] = element
    }

    mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        let element = elements[head].take()
        head += 1
        if head == elements.count {
            elements.removeAll(keepingCapacity: elements.count <= 4096)
            head = 0
        } else if head >= 64 && head * 2 >= elements.count {
            elements.removeSubrange(..<head)
            head = 0
        }
        return element
    }

    mutating func removeAll() {
        elements.removeAll()
        head = 0
    }
}

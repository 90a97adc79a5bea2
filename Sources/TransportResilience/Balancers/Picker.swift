internal import NodeTransport

/// Chooses among the peers that are usable now; pure but for the loads that it reads. Made anew when they change.
enum Picker {
    case first
    case roundRobin(RoundRobinPicker)
    case leastRequest
    case consistentHashing(ConsistentHashingPicker)

    init(_ balancer: Balancer, _ targets: [PickTarget], random: inout PickRandom) {
        switch balancer.kind {
        case .pickFirst: self = .first
        case .roundRobin: self = .roundRobin(RoundRobinPicker(targets, random: &random))
        case .leastRequest: self = .leastRequest
        case .consistentHashing(let loadFactor, let key):
            self = .consistentHashing(ConsistentHashingPicker(targets, loadFactor: loadFactor, key: key))
        }
    }

    /// The index of the peer for a call; `nil` when there is none.
    ///
    /// - Parameter targets: Those that the picker was made for.
    mutating func pick(_ head: CallHead, _ targets: [PickTarget], random: inout PickRandom) -> Int? {
        guard targets.count > 1 else { return targets.isEmpty ? nil : 0 }
        let routing = head.routing
        if !routing.avoided.isEmpty {
            let others = targets.indices.filter { !routing.avoided.contains(targets[$0].endpoint) }
            // One that is to be avoided is better than none.
            if !others.isEmpty, others.count < targets.count {
                return pick(head, routing.key, targets, among: others, random: &random)
            }
        }
        return pick(head, routing.key, targets, among: targets.indices, random: &random)
    }

    private mutating func pick<Choice: RandomAccessCollection<Int>>(
        _ head: CallHead, _ key: String?, _ targets: [PickTarget], among choice: Choice, random: inout PickRandom
    ) -> Int? where Choice.Index == Int {
        switch self {
        case .first: return choice.first
        case .roundRobin(var picker):
            // Lets go of the picker within, so that it is changed in place.
            self = .first
            defer { self = .roundRobin(picker) }
            return picker.pick(among: choice)
        case .leastRequest: return LeastRequest.pick(targets, among: choice, random: &random)
        case .consistentHashing(let picker):
            guard let key = key ?? picker.key?(head) else {
                return LeastRequest.pick(targets, among: choice, random: &random)
            }
            return picker.pick(key, targets, among: choice)
        }
    }
}

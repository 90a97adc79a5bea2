/// Of two peers by chance the one with fewer calls in flight ("the power of two choices").
enum LeastRequest {
    static func pick<Choice: RandomAccessCollection<Int>>(
        _ targets: [PickTarget], among choice: Choice, random: inout PickRandom
    ) -> Int? where Choice.Index == Int {
        guard choice.count > 1 else { return choice.first }
        let first = Int.random(in: 0..<choice.count, using: &random)
        // Of the others.
        let step = Int.random(in: 1..<choice.count, using: &random)
        let left = choice[choice.startIndex + first]
        let right = choice[choice.startIndex + (first + step) % choice.count]
        // Calls for each unit of weight, with the one that is to come; crosswise, to stay with whole numbers.
        let leftLoad = (targets[left].callsInFlight + 1) * targets[right].weight
        let rightLoad = (targets[right].callsInFlight + 1) * targets[left].weight
        return rightLoad < leftLoad ? right : left
    }
}

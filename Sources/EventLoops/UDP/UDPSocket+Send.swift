internal import CSystem
internal import Glibc

extension UDPSocket {
    /// How many datagrams one system call sends at most.
    package static let maximumSegmentsPerCall = Int(CS_UDP_MAX_SEGMENTS)

    /// Together with its headers a train has to fit the 65,535 bytes of an IP packet.
    private static let maximumTrainBytes = 65_535 - 40 - 8

    /// Sends `bytes` as datagrams of `segmentBytes` each, the last as long as what is left, on the loop.
    ///
    /// An empty `bytes` is one empty datagram. The bytes are free again when this returns.
    ///
    /// - Parameters:
    ///   - bytes: One datagram after the other.
    ///   - segmentBytes: The length of each but the last, 1...65,535; `nil` for one datagram.
    ///   - ecn: The mark to send, where ``UDPFeatures/ecn`` is granted.
    ///   - local: The source address, where ``UDPFeatures/packetInfo`` is granted; its port is ignored. `nil` and the
    ///     any-address leave the choice to the kernel.
    ///   - remote: The peer. Ignored by a connected socket, which has one.
    package func send(
        _ bytes: RawSpan, segmentBytes: Int? = nil, ecn: ECN = .notCapable, from local: InternetAddress? = nil,
        to remote: InternetAddress
    ) -> UDPSendResult {
        loop.assertCurrent()
        guard !isClosed else { return .refused(errno: EBADF) }
        if let port {
            return unsafe bytes.withUnsafeBytes {
                unsafe send($0, segmentBytes: segmentBytes ?? $0.count, ecn, to: connectedTo ?? remote, through: port)
            }
        }
        template.ecn = features.contains(.ecn) ? ecn.rawValue : 0
        template.remote = remote.cAddress
        if let local, !local.isAny, features.contains(.packetInfo) {
            template.local = local.cAddress
        } else {
            template.local.family = 0
        }
        if connectedTo == nil, remote.family == .ipv6, family == AF_INET { return .refused(errno: EAFNOSUPPORT) }
        return unsafe bytes.withUnsafeBytes { unsafe send($0, segmentBytes: segmentBytes ?? $0.count) }
    }

    private func send(_ bytes: UnsafeRawBufferPointer, segmentBytes: Int) -> UDPSendResult {
        let isEmpty = unsafe bytes.isEmpty
        guard segmentBytes <= Int(UInt16.max), segmentBytes > 0 || isEmpty else { return .tooLarge(sentBytes: 0) }
        let count = isEmpty ? 1 : (bytes.count + segmentBytes - 1) / segmentBytes
        var sent = 0
        repeat {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[sent...])
            let isTrain = rest.count > segmentBytes && features.contains(.segmentationOffload)
            let outcome =
                isTrain || count == 1
                ? unsafe sendTrain(rest, segmentBytes: segmentBytes) : unsafe sendEach(rest, segmentBytes: segmentBytes)
            switch outcome {
            case .sent(let count): sent += count
            case .failed(EAGAIN):
                statistics.blockedSends += 1
                waitToWrite(true)
                return .blocked(sentBytes: sent)
            case .failed(EMSGSIZE): return .tooLarge(sentBytes: sent)
            case .failed(ENOBUFS), .failed(ENOMEM):
                statistics.droppedSends += 1
                return .sent
            case .failed(let errno): return .refused(errno: errno)
            }
        } while sent < bytes.count
        return .sent
    }

    private func send(
        _ bytes: UnsafeRawBufferPointer, segmentBytes: Int, _ ecn: ECN, to remote: InternetAddress,
        through port: any SimulatedPort
    ) -> UDPSendResult {
        let isEmpty = unsafe bytes.isEmpty
        guard segmentBytes <= Int(UInt16.max), segmentBytes > 0 || isEmpty else { return .tooLarge(sentBytes: 0) }
        statistics.sendCalls += 1
        var position = 0
        repeat {
            let end = min(position + segmentBytes, bytes.count)
            let errno = unsafe port.send(UnsafeRawBufferPointer(rebasing: bytes[position..<end]), ecn: ecn, to: remote)
            guard errno == 0 else { return .refused(errno: errno) }
            statistics.sentDatagrams += 1
            statistics.sentBytes += end - position
            position = end
        } while position < bytes.count
        return .sent
    }

    private enum Outcome {
        case sent(bytes: Int)
        case failed(Int32)
    }

    /// One call, as many datagrams as it takes.
    private func sendTrain(_ bytes: UnsafeRawBufferPointer, segmentBytes: Int) -> Outcome {
        let fitting = max(min(Self.maximumTrainBytes / max(segmentBytes, 1), Self.maximumSegmentsPerCall), 1)
        let length = min(bytes.count, fitting * segmentBytes)
        let code = retrying { unsafe cs_udp_send(descriptor, &template, bytes.baseAddress, length, segmentBytes) }
        if code < 0 {
            guard length > segmentBytes, -code == EIO || -code == EINVAL else { return .failed(-code) }
            // EINVAL also says that a segment exceeds the MTU, or that the source address is none: one datagram shows
            // which. It then counts as what was sent.
            let first = retrying {
                unsafe cs_udp_send(descriptor, &template, bytes.baseAddress, segmentBytes, 0)
            }
            guard first >= 0 else { return .failed(-first) }
            count(datagrams: 1, bytes: segmentBytes)
            features.remove(.segmentationOffload)
            return .sent(bytes: segmentBytes)
        }
        count(datagrams: segmentBytes > 0 ? (length + segmentBytes - 1) / segmentBytes : 1, bytes: length)
        return .sent(bytes: length)
    }

    /// One call, each datagram an entry of its own.
    private func sendEach(_ bytes: UnsafeRawBufferPointer, segmentBytes: Int) -> Outcome {
        let code = retrying {
            unsafe cs_udp_send_each(descriptor, &template, bytes.baseAddress, bytes.count, segmentBytes)
        }
        guard code >= 0 else { return .failed(-code) }
        let length = min(Int(code) * segmentBytes, bytes.count)
        count(datagrams: Int(code), bytes: length)
        return .sent(bytes: length)
    }

    /// A call may fail with the news of an earlier datagram: reports it, and tries once more.
    private func retrying(_ call: () -> Int32) -> Int32 {
        let code = call()
        switch -code {
        case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENOPROTOOPT, EPROTO, EINTR:
            // Not to the handler from within its own send: the queue or the next event tells it.
            return call()
        default: return code
        }
    }

    private func count(datagrams: Int, bytes: Int) {
        statistics.sendCalls += 1
        statistics.sentDatagrams += datagrams
        statistics.sentBytes += bytes
    }
}

import Testing
import TransportTestKit

@Suite("Simulated addresses")
struct SimulatedAddressTests {
    @Test func haveTheFormsOfTheOperatingSystem() {
        let address = SimulatedAddress(host: 0x01_02_03, port: 0x1151)
        #expect(address.description == "10.1.2.3:4433")
        // The family comes in the machine's byte order, the rest in the network's.
        let family: [UInt8] = [UInt8(UInt16(2).littleEndian == 2 ? 2 : 0), UInt8(UInt16(2).littleEndian == 2 ? 0 : 2)]
        #expect(address.ipv4SocketAddress == family + [0x11, 0x51, 10, 1, 2, 3] + [UInt8](repeating: 0, count: 8))
        #expect(address.ipv6SocketAddress.count == 28)
        #expect(
            Array(address.ipv6SocketAddress[8...]) == [0xfd] + [UInt8](repeating: 0, count: 12) + [1, 2, 3, 0, 0, 0, 0])
    }

    @Test(arguments: [UInt32(1), 255, 256, 0xff_ffff])
    func comeBackFromThoseForms(host: UInt32) {
        let address = SimulatedAddress(host: host, port: 65_535)
        #expect(SimulatedAddress(socketAddress: address.ipv4SocketAddress) == address)
        #expect(SimulatedAddress(socketAddress: address.ipv6SocketAddress) == address)
    }

    @Test func otherBytesAreNone() {
        let bytes = SimulatedAddress(host: 1, port: 2).ipv4SocketAddress
        #expect(SimulatedAddress(socketAddress: []) == nil)
        #expect(SimulatedAddress(socketAddress: Array(bytes.dropLast())) == nil)
        #expect(SimulatedAddress(socketAddress: [9] + bytes.dropFirst()) == nil)
        #expect(SimulatedAddress(socketAddress: bytes[..<4] + [127] + bytes[5...]) == nil)
    }
}

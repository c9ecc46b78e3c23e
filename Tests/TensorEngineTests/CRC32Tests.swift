import TensorEngine
import Testing

@Suite("CRC-32")
struct CRC32Tests {
  @Test("The checksum is that of the standard's check, and of no bytes")
  func check() {
    #expect(CRC32.checksum(of: Array("123456789".utf8)) == 0xCBF4_3926)
    #expect(CRC32.checksum(of: []) == 0)
  }

  @Test("A changed bit changes the checksum")
  func damage() {
    let bytes = (0..<64).map { UInt8($0 * 37 % 251) }
    var found: Set = [CRC32.checksum(of: bytes)]
    for bit in 0..<(8 * bytes.count) {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << (bit % 8)
      found.insert(CRC32.checksum(of: damaged))
    }
    #expect(found.count == 1 + 8 * bytes.count)
  }
}

// Unsafe: strings lend their bytes by address for the call.

/// An ordered set of names that finds a name's position, comparing bytes.
///
/// `String` compares by canonical equivalence, under which two different keys of a file can be
/// equal; a vocabulary or a checkpoint needs them told apart. The hash is seeded for each process,
/// so that a file cannot be made that fills one slot.
package struct NameIndex: Sendable {
  /// The names, in the order they were added.
  package private(set) var names: [String] = []
  /// Open addressing: the upper half of a name's hash and its position plus one, or zero.
  private var slots: [UInt64] = []

  /// Up to this many names, comparing each is quicker than a table.
  private static let linearLimit = 8

  package init() {}

  /// Adds `name` unless it is already there; says whether it was new.
  package mutating func insert(_ name: String) -> Bool {
    if names.count < Self.linearLimit {
      if position(of: name) != nil { return false }
      names.append(name)
      return true
    }
    if slots.count < 2 * (names.count + 1) { grow() }
    let hash = Self.hash(of: name)
    let slot = find(name, hash: hash)
    if slots[slot] != 0 { return false }
    names.append(name)
    slots[slot] = hash & Self.hashMask | UInt64(names.count)
    return true
  }

  /// The position of `name` in ``names``.
  package func position(of name: String) -> Int? {
    if slots.isEmpty { return names.firstIndex { Self.same($0, name) } }
    let entry = slots[find(name, hash: Self.hash(of: name))]
    return entry == 0 ? nil : Int(entry & ~Self.hashMask) - 1
  }

  private static let hashMask: UInt64 = 0xFFFF_FFFF_0000_0000

  /// The slot that holds `name`, or the free slot where it belongs.
  private func find(_ name: String, hash: UInt64) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != 0 {
      let entry = slots[slot]
      if (entry ^ hash) & Self.hashMask == 0,
        Self.same(names[Int(entry & ~Self.hashMask) - 1], name)
      {
        break
      }
      slot = (slot + 1) & mask
    }
    return slot
  }

  private mutating func grow() {
    var capacity = 32
    while capacity < 4 * (names.count + 1) { capacity *= 2 }
    slots = [UInt64](repeating: 0, count: capacity)
    for (position, name) in names.enumerated() {
      let hash = Self.hash(of: name)
      var slot = Int(truncatingIfNeeded: hash) & (capacity - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (capacity - 1) }
      slots[slot] = hash & Self.hashMask | UInt64(position + 1)
    }
  }

  private static func hash(of name: String) -> UInt64 {
    var name = name
    var hasher = Hasher()
    name.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    return UInt64(truncatingIfNeeded: hasher.finalize())
  }

  private static func same(_ first: String, _ second: String) -> Bool {
    var (first, second) = (first, second)
    return first.withUTF8 { a in second.withUTF8 { b in unsafe a.elementsEqual(b) } }
  }
}

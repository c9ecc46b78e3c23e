// Unsafe: a mapped file lends its bytes by address; every place is compared with their end first.

/// How a camera was held, by tag 0x0112 of a file's Exif data: which way the pixels must be turned.
///
/// - Reference: Exif 2.32 (CIPA DC-008), section 4.6.4 A; TIFF 6.0, section 2; PNG specification,
///   third edition, `eXIf`; Google, WebP Container Specification, `EXIF`.
struct ExifOrientation: Equatable {
  /// Whether rows and columns change places before the flips.
  let isTransposed: Bool
  /// Whether columns are counted from the right.
  let flipsColumns: Bool
  /// Whether rows are counted from the bottom.
  let flipsRows: Bool

  /// The tag's value, 2…8; `nil` for 1, which is upright, and for what is not an orientation.
  init?(tag: Int) {
    switch tag {
    case 2: self.init(isTransposed: false, flipsColumns: true, flipsRows: false)
    case 3: self.init(isTransposed: false, flipsColumns: true, flipsRows: true)
    case 4: self.init(isTransposed: false, flipsColumns: false, flipsRows: true)
    case 5: self.init(isTransposed: true, flipsColumns: false, flipsRows: false)
    case 6: self.init(isTransposed: true, flipsColumns: true, flipsRows: false)
    case 7: self.init(isTransposed: true, flipsColumns: true, flipsRows: true)
    case 8: self.init(isTransposed: true, flipsColumns: false, flipsRows: true)
    default: return nil
    }
  }

  private init(isTransposed: Bool, flipsColumns: Bool, flipsRows: Bool) {
    self.isTransposed = isTransposed
    self.flipsColumns = flipsColumns
    self.flipsRows = flipsRows
  }

  /// The orientation that a file gives; `nil` without one, or where its Exif data is damaged.
  init?(in file: UnsafeRawBufferPointer, _ format: PictureFile.Format) {
    let tiff: UnsafeRawBufferPointer? =
      switch format {
      case .png: unsafe Self.pngChunk(in: file)
      case .jpeg: unsafe Self.jpegSegment(in: file)
      case .webp: unsafe Self.webpChunk(in: file)
      case .gif: nil
      }
    guard let tag = unsafe tiff.flatMap({ unsafe TIFFReader($0) })?.orientation else { return nil }
    self.init(tag: tag)
  }

  /// The content of the `eXIf` chunk.
  private static func pngChunk(in file: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    var position = 8
    while let length = unsafe file.integer(at: position, bytes: 4, isBigEndian: true),
      file.count - position >= 12, length <= file.count - position - 12
    {
      let content = position + 8..<position + 8 + length
      if unsafe file[position + 4..<position + 8].elementsEqual("eXIf".utf8) {
        return unsafe UnsafeRawBufferPointer(rebasing: file[content])
      }
      position = content.upperBound + 4
    }
    return nil
  }

  /// The content of the `EXIF` chunk, without the six bytes that some programs put before it.
  private static func webpChunk(in file: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    var position = 12
    while let length = unsafe file.integer(at: position + 4, bytes: 4, isBigEndian: false),
      length <= file.count - position - 8
    {
      let content = position + 8..<position + 8 + length
      if unsafe file[position..<position + 4].elementsEqual("EXIF".utf8) {
        let chunk = unsafe UnsafeRawBufferPointer(rebasing: file[content])
        let hasMark = unsafe chunk.starts(with: Array("Exif\0\0".utf8))
        return unsafe hasMark ? UnsafeRawBufferPointer(rebasing: chunk[6...]) : chunk
      }
      position = content.upperBound + length % 2
    }
    return nil
  }

  /// The content of the first APP1 segment that begins with `Exif`, after those six bytes.
  private static func jpegSegment(in file: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    var position = 2
    while let marker = unsafe file.integer(at: position, bytes: 2, isBigEndian: true),
      marker >= 0xFF01,
      marker != 0xFFDA, marker != 0xFFD9
    {
      if marker == 0xFFFF {
        position += 1  // a fill byte before the marker
        continue
      }
      guard let length = unsafe file.integer(at: position + 2, bytes: 2, isBigEndian: true),
        length >= 2,
        length <= file.count - position - 2
      else { return nil }
      let content = unsafe UnsafeRawBufferPointer(
        rebasing: file[position + 4..<position + 2 + length])
      if marker == 0xFFE1, unsafe content.starts(with: Array("Exif\0\0".utf8)) {
        return unsafe UnsafeRawBufferPointer(rebasing: content[6...])
      }
      position += 2 + length
    }
    return nil
  }
}

/// The first directory of a TIFF structure, such as Exif is.
@safe private struct TIFFReader {
  let bytes: UnsafeRawBufferPointer
  let isBigEndian: Bool

  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= 8 else { return nil }
    switch unsafe (bytes[0], bytes[1]) {
    case (0x49, 0x49): isBigEndian = false
    case (0x4D, 0x4D): isBigEndian = true
    default: return nil
    }
    unsafe self.bytes = unsafe bytes
  }

  private func integer(at position: Int, bytes count: Int) -> Int? {
    unsafe bytes.integer(at: position, bytes: count, isBigEndian: isBigEndian)
  }

  /// The value of tag 0x0112, a SHORT or a LONG.
  var orientation: Int? {
    guard let start = integer(at: 4, bytes: 4), let count = integer(at: start, bytes: 2) else {
      return nil
    }
    for entry in (0..<count).map({ start + 2 + 12 * $0 })
    where integer(at: entry, bytes: 2) == 0x0112 {
      switch integer(at: entry + 2, bytes: 2) {
      case 3: return integer(at: entry + 8, bytes: 2)
      case 4: return integer(at: entry + 8, bytes: 4)
      default: return nil
      }
    }
    return nil
  }
}

extension UnsafeRawBufferPointer {
  /// The unsigned integer at `position`; `nil` where the bytes end before it does.
  fileprivate func integer(at position: Int, bytes: Int, isBigEndian: Bool) -> Int? {
    guard position >= 0, position <= count - bytes else { return nil }
    let digits = unsafe self[position..<position + bytes]
    return unsafe (isBigEndian ? Array(digits) : digits.reversed()).reduce(0) { $0 << 8 | Int($1) }
  }
}

extension Picture {
  /// The picture upright.
  func turned(_ orientation: ExifOrientation) -> Picture {
    let (wide, high) = orientation.isTransposed ? (height, width) : (width, height)
    let turned = unsafe [UInt8](unsafeUninitializedCapacity: pixels.count) { target, count in
      for row in 0..<high {
        for column in 0..<wide {
          let x = orientation.flipsColumns ? wide - 1 - column : column
          let y = orientation.flipsRows ? high - 1 - row : row
          let from = 3 * (orientation.isTransposed ? x * width + y : y * width + x)
          for channel in 0..<3 {
            unsafe target[3 * (row * wide + column) + channel] = pixels[from + channel]
          }
        }
      }
      count = pixels.count
    }
    return Picture(width: wide, height: high, pixels: turned)
  }
}

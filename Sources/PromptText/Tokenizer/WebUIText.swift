/// A prompt in the syntax of AUTOMATIC1111's web UI, cut where its weights change.
///
/// Round brackets multiply the weight of what they hold by 1.1, or by the number after a colon before the
/// closing one; square brackets divide it by 1.1. A backslash takes a bracket's or its own meaning
/// away. Brackets that are never closed count to the end; one that was never opened is text.
/// - Reference: AUTOMATIC1111/stable-diffusion-webui `modules/prompt_parser.py`,
///   `parse_prompt_attention`.
enum WebUIText {
  /// A part of a prompt.
  enum Segment: Equatable {
    /// Text of one weight.
    case text(SourceText, weight: Double)
    /// The end of a window.
    case windowEnd
  }

  /// What a pair of brackets multiplies weights by.
  private static let factor = 1.1

  /// The segments of a prompt, in their order; characters keep their places in the prompt.
  static func segments(of prompt: String) -> [Segment] {
    let source = SourceText(prompt)
    var parts: [Segment] = []
    var (round, square) = ([Int](), [Int]())
    var position = 0
    func multiply(from first: Int, by factor: Double) {
      for place in first..<parts.count {
        if case .text(let text, let weight) = parts[place] {
          parts[place] = .text(text, weight: weight * factor)
        }
      }
    }
    while position < source.count {
      let start = position
      position += 1
      switch source[start].scalar {
      case "\\":
        guard position < source.count, "()[]\\".unicodeScalars.contains(source[position].scalar)
        else { continue }
        parts.append(.text([source[position]], weight: 1))
        position += 1
      case "(": round.append(parts.count)
      case "[": square.append(parts.count)
      case ":":
        if let (weight, end) = weight(in: source, from: position), let first = round.popLast() {
          multiply(from: first, by: weight)
          position = end
        } else {
          parts.append(.text([source[start]], weight: 1))
        }
      case ")":
        if let first = round.popLast() {
          multiply(from: first, by: factor)
        } else {
          parts.append(.text([source[start]], weight: 1))
        }
      case "]":
        if let first = square.popLast() {
          multiply(from: first, by: 1 / factor)
        } else {
          parts.append(.text([source[start]], weight: 1))
        }
      default:
        while position < source.count, !"\\()[]:".unicodeScalars.contains(source[position].scalar) {
          position += 1
        }
        parts += windows(source[start..<position])
      }
    }
    for first in round { multiply(from: first, by: factor) }
    for first in square { multiply(from: first, by: 1 / factor) }
    return joined(parts)
  }

  /// The number before a closing round bracket, and the place after that; `nil` for anything else.
  private static func weight(in source: SourceText, from start: Int) -> (Double, end: Int)? {
    guard let close = source[start...].firstIndex(where: { $0.scalar == ")" }) else { return nil }
    let number = source[start..<close].string.trimmingSpace()
    let digits = number.drop { $0 == "+" || $0 == "-" }
    guard number.count - digits.count < 2,
      digits.allSatisfy({ $0.isASCII && $0.isNumber || $0 == "." }),
      let weight = Double(number), weight.isFinite
    else { return nil }
    return (weight, close + 1)
  }

  /// Text parted at each `BREAK` that stands alone, without the white space around it.
  private static func windows(_ text: ArraySlice<SourceScalar>) -> [Segment] {
    let mark = Array("BREAK".unicodeScalars)
    var parts: [Segment] = []
    var rest = text
    var place = text.startIndex
    while place + mark.count <= rest.endIndex {
      let end = place + mark.count
      guard rest[place..<end].map(\.scalar) == mark,
        place == text.startIndex || !text[place - 1].scalar.isWordCharacter,
        end == text.endIndex || !text[end].scalar.isWordCharacter
      else {
        place += 1
        continue
      }
      var before = text[rest.startIndex..<place]
      while let last = before.last, ScalarClass(last.scalar) == .space { before.removeLast() }
      parts += [.text(Array(before), weight: 1), .windowEnd]
      rest = text[end...].drop { ScalarClass($0.scalar) == .space }
      place = rest.startIndex
    }
    return parts + [.text(Array(rest), weight: 1)]
  }

  /// Neighbours of one weight as one.
  private static func joined(_ parts: [Segment]) -> [Segment] {
    parts.reduce(into: []) { joined, part in
      if case .text(let text, let weight) = part, case .text(let before, weight)? = joined.last {
        joined[joined.count - 1] = .text(before + text, weight: weight)
      } else {
        joined.append(part)
      }
    }
  }
}

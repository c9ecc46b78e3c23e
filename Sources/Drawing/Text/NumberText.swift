internal import Foundation

/// Numbers as a figure prints them, in any locale with a point.
package enum NumberText {
  /// A length to 1/100, without trailing zeros.
  package static func plain(_ value: Double) -> String { fixed(value, perUnit: 100) }

  /// A length to 1/1000, without trailing zeros.
  package static func fine(_ value: Double) -> String { fixed(value, perUnit: 1000) }

  /// A part of one to 1/100000, without trailing zeros.
  static func portion(_ value: Double) -> String { fixed(value, perUnit: 100_000) }

  /// A number in whole parts of `perUnit`, a power of ten; by integers, as figures have many.
  private static func fixed(_ value: Double, perUnit: Int) -> String {
    guard value.isFinite else { return "0" }
    let parts = (value * Double(perUnit)).rounded()
    guard parts.magnitude < 1e15 else { return String(format: "%.0f", value) }
    let (whole, rest) = Int(parts.magnitude).quotientAndRemainder(dividingBy: perUnit)
    var digits = String(String(perUnit + rest).dropFirst())
    while digits.last == "0" { digits.removeLast() }
    return (parts < 0 ? "-" : "") + "\(whole)" + (digits.isEmpty ? "" : "." + digits)
  }

  /// A measured value to three significant digits, at most four decimals; tiny ones in powers of
  /// ten.
  package static func value(_ value: Double) -> String {
    guard value.isFinite else { return "NaN" }
    let size = abs(value)
    if size == 0 { return "0" }
    if size < 0.001 || size >= 100_000 {
      let parts = String(format: "%.1e", value).split(separator: "e")
      return "\(parts[0])e\((Int(parts[1]) ?? 0).formattedWithMinus)"
    }
    let decimals = max(0, min(4, 2 - Int(log10(size).rounded(.down))))
    return String(format: "%.\(decimals)f", value).replacing("-", with: "−")
  }

  /// A measured value in fewer `digits` where there is no room for three; tiny ones in powers of ten.
  package static func brief(_ value: Double, digits: Int) -> String {
    let size = abs(value)
    guard size.isFinite, size > 0 else { return self.value(value) }
    let least = pow(10, -Double(digits)) / 2
    if size < least || size >= 100 {
      let parts = String(format: "%.0e", value).split(separator: "e")
      return "\(parts[0])e\((Int(parts[1]) ?? 0).formattedWithMinus)".replacing("-", with: "−")
    }
    let decimals = max(0, digits - max(0, Int(log10(size).rounded(.down))))
    return String(format: "%.\(decimals)f", value).replacing("-", with: "−")
  }

  /// A tick's value with as many decimals as its step needs.
  package static func tick(_ value: Double, step: Double) -> String {
    let decimals = max(0, Int((-log10(step) - 1e-9).rounded(.up)))
    if decimals > 4 || step >= 100_000 { return self.value(value) }
    return String(format: "%.\(decimals)f", value == 0 ? 0 : value).replacing("-", with: "−")
  }
}

extension Int {
  /// The number with a true minus sign.
  fileprivate var formattedWithMinus: String { self < 0 ? "−\(-self)" : "\(self)" }
}

/// The colours of paper, type and lines; maps and pictures have their own.
public enum Theme: String, Hashable, Sendable, CaseIterable {
  /// Dark on white, for print.
  case light
  /// Light on near-black, for slides.
  case dark

  /// What the page is filled with.
  public var paper: Color {
    switch self {
    case .light: .white
    case .dark: Color(hex: 0x14171C)
    }
  }

  /// Type, and lines that carry data without a colour of their own.
  public var ink: Color {
    switch self {
    case .light: .black
    case .dark: Color(hex: 0xF2F2F2)
    }
  }

  /// Secondary type: at least 7 : 1 against the paper.
  var secondary: Color {
    switch self {
    case .light: Color(hex: 0x555555)
    case .dark: Color(hex: 0xB8BCC2)
    }
  }

  /// Axes and frames.
  var rule: Color {
    switch self {
    case .light: Color(hex: 0x777777)
    case .dark: Color(hex: 0x8A9099)
    }
  }

  /// An area set apart from the paper.
  var shade: Color {
    switch self {
    case .light: Color(hex: 0xEBEBEB)
    case .dark: Color(hex: 0x2A2F37)
    }
  }
}

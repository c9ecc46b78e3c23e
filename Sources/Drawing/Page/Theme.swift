/// The colours of background, type and lines; maps and pictures have their own.
public enum Theme: String, Hashable, Sendable, CaseIterable {
  /// Dark on white, for print.
  case light
  /// Light on near-black, for slides.
  case dark

  /// The background.
  public var paper: Color {
    switch self {
    case .light: .white
    case .dark: Color(hex: 0x14171C)
    }
  }

  /// The colour of type, and of data lines without a colour of their own.
  public var ink: Color {
    switch self {
    case .light: .black
    case .dark: Color(hex: 0xF2F2F2)
    }
  }

  /// The colour of secondary type: a contrast of at least 7 : 1 to the background.
  package var secondary: Color {
    switch self {
    case .light: Color(hex: 0x555555)
    case .dark: Color(hex: 0xB8BCC2)
    }
  }

  /// The colour of axes and frames.
  package var rule: Color {
    switch self {
    case .light: Color(hex: 0x777777)
    case .dark: Color(hex: 0x8A9099)
    }
  }

  /// The colour of a shaded area.
  package var shade: Color {
    switch self {
    case .light: Color(hex: 0xEBEBEB)
    case .dark: Color(hex: 0x2A2F37)
    }
  }
}

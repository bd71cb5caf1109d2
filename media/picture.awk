# Writes the demo clip's picture as an ASS subtitle script: 480 frames, 30 per second, 640x360.
# Everything moves on closed orbits with a period of 16 s, so that the last frame leads to the first.

BEGIN {
    PI = atan2(0, -1)
    FRAMES = 480
    DX = 488; DY = 168 # centre of the dial
    header()
    still()
    place_nodes()
    for (i = 0; i < FRAMES; i++) frame(i)
}

function header() {
    print "[Script Info]\nScriptType: v4.00+\nPlayResX: 640\nPlayResY: 360\nScaledBorderAndShadow: yes\nWrapStyle: 2\nYCbCr Matrix: TV.709\n"
    print "[V4+ Styles]"
    print "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding"
    print "Style: text,DejaVu Sans,20,&H00FFFFFF,&H00FFFFFF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,0,0,7,0,0,0,1"
    print "Style: mono,DejaVu Sans Mono,20,&H00FFFFFF,&H00FFFFFF,&H00000000,&H00000000,-1,0,0,0,100,100,0,0,1,0,0,7,0,0,0,1\n"
    print "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"
}

function clock(cs) { return sprintf("0:00:%02d.%02d", int(cs / 100), cs % 100) }

function event(layer, from, to, style, text) {
    printf "Dialogue: %d,%s,%s,%s,,0,0,0,,%s\n", layer, clock(int(from * 10 / 3)), clock(int(to * 10 / 3)), style, text
}

# A filled vector drawing; coordinates are in eighths of a pixel.
function drawing(layer, from, to, colour, alpha, path) {
    event(layer, from, to, "text", sprintf("{\\an7\\pos(0,0)\\p4\\1c&H%s&\\1a&H%02X&}%s", colour, alpha, path))
}

function e(v) { return sprintf("%d", v * 8 + (v < 0 ? -0.5 : 0.5)) }

function circle(x, y, r,    k) {
    k = r * 0.5523
    return "m " e(x + r) " " e(y) \
        " b " e(x + r) " " e(y + k) " " e(x + k) " " e(y + r) " " e(x) " " e(y + r) \
        " b " e(x - k) " " e(y + r) " " e(x - r) " " e(y + k) " " e(x - r) " " e(y) \
        " b " e(x - r) " " e(y - k) " " e(x - k) " " e(y - r) " " e(x) " " e(y - r) \
        " b " e(x + k) " " e(y - r) " " e(x + r) " " e(y - k) " " e(x + r) " " e(y) " "
}

# A line of width w, as a quadrilateral.
function line(x1, y1, x2, y2, w,    d, nx, ny) {
    d = sqrt((x2 - x1) ^ 2 + (y2 - y1) ^ 2)
    if (d == 0) return ""
    nx = (y2 - y1) / d * w / 2; ny = (x1 - x2) / d * w / 2
    return "m " e(x1 + nx) " " e(y1 + ny) " l " e(x2 + nx) " " e(y2 + ny) " " \
        e(x2 - nx) " " e(y2 - ny) " " e(x1 - nx) " " e(y1 - ny) " "
}

# A piece of a ring from angle a to b (0 is twelve o'clock, clockwise), radii r to s.
function band(x, y, r, s, a, b,    n, k, t, path) {
    n = 2 + int((b - a) * 12)
    path = "m"
    for (k = 0; k <= n; k++) {
        t = a + (b - a) * k / n
        path = path " " e(x + s * sin(t)) " " e(y - s * cos(t)) (k == 0 ? " l" : "")
    }
    for (k = n; k >= 0; k--) {
        t = a + (b - a) * k / n
        path = path " " e(x + r * sin(t)) " " e(y - r * cos(t))
    }
    return path " "
}

function box(x, y, w, h) {
    return "m " e(x) " " e(y) " l " e(x + w) " " e(y) " " e(x + w) " " e(y + h) " " e(x) " " e(y + h) " "
}

# What never changes.
function still() {
    event(5, 0, FRAMES, "text", "{\\an7\\pos(38,40)\\fs40\\b1}Swarmline {\\b0\\1c&HF2C48A&}demo")
    event(5, 0, FRAMES, "text", "{\\an7\\pos(40,91)\\fs16\\1c&HE8D8CC&}viewers of one live event, hand in hand")
    event(5, 0, FRAMES, "text", "{\\an7\\pos(40,270)\\fs13\\1c&HD8C4B4&}eight segments of two seconds, again and again")
}

# Thirty nodes on closed orbits; sines of the index serve as random numbers.
function place_nodes(    n) {
    NODES = 30
    for (n = 0; n < NODES; n++) {
        cx[n] = 320 + 300 * sin(n * 12.9898)
        cy[n] = 180 + 165 * sin(n * 78.233 + 1)
        ax[n] = 26 + 34 * (1 + sin(n * 3.7)) / 2
        ay[n] = 20 + 30 * (1 + sin(n * 5.3)) / 2
        fx[n] = (n % 3 == 0) ? 2 : 1
        fy[n] = (n % 4 == 0) ? -2 : 1
        ph[n] = n * 2.399963
    }
}

function swarm(i, t,    n, m, d, near, mid, far, dots, hot) {
    for (n = 0; n < NODES; n++) {
        x[n] = cx[n] + ax[n] * sin(2 * PI * fx[n] * t / 16 + ph[n])
        y[n] = cy[n] + ay[n] * cos(2 * PI * fy[n] * t / 16 + ph[n] * 1.7)
    }
    for (n = 0; n < NODES; n++) {
        for (m = 0; m < n; m++) {
            d = sqrt((x[n] - x[m]) ^ 2 + (y[n] - y[m]) ^ 2)
            if (d < 55) near = near line(x[n], y[n], x[m], y[m], 1.4)
            else if (d < 85) mid = mid line(x[n], y[n], x[m], y[m], 1.1)
            else if (d < 115) far = far line(x[n], y[n], x[m], y[m], 0.9)
        }
        if (n % 5 == 0) hot = hot circle(x[n], y[n], 4.2)
        else dots = dots circle(x[n], y[n], 2.8)
    }
    if (near) drawing(1, i, i + 1, "F0D8B0", 110, near)
    if (mid) drawing(1, i, i + 1, "F0D8B0", 165, mid)
    if (far) drawing(1, i, i + 1, "F0D8B0", 215, far)
    drawing(2, i, i + 1, "F0E0C0", 70, dots)
    drawing(2, i, i + 1, "5CB8FF", 20, hot)
}

# A dial that turns once in 16 s, with a fading tail behind the hand.
function dial(i, t,    a, k, path, beat) {
    a = 2 * PI * t / 16
    beat = t - int(t)
    drawing(3, i, i + 1, "2A1810", 80, circle(DX, DY, 104))
    drawing(3, i, i + 1, "F2C48A", 205, band(DX, DY, 100, 104, 0, PI) band(DX, DY, 100, 104, PI, 2 * PI))
    for (k = 0; k < 14; k++)
        drawing(4, i, i + 1, "F2B45A", 30 + 16 * k, band(DX, DY, 88, 104, a - (k + 1) * 0.11, a - k * 0.11))
    path = ""
    for (k = 0; k < 16; k++)
        path = path line(DX + 82 * sin(2 * PI * k / 16), DY - 82 * cos(2 * PI * k / 16), DX + (k % 4 ? 77 : 71) * sin(2 * PI * k / 16), DY - (k % 4 ? 77 : 71) * cos(2 * PI * k / 16), k % 4 ? 1.5 : 3)
    drawing(5, i, i + 1, "FFF0E0", 90, path)
    drawing(6, i, i + 1, "5CB8FF", 0, line(DX + 52 * sin(a), DY - 52 * cos(a), DX + 106 * sin(a), DY - 106 * cos(a), 3.4) circle(DX + 96 * sin(a), DY - 96 * cos(a), 6.5))
    if (beat < 0.6)
        drawing(5, i, i + 1, "5CB8FF", 60 + int(195 * beat / 0.6), band(DX, DY, 34 + 22 * beat, 36 + 22 * beat, 0, PI) band(DX, DY, 34 + 22 * beat, 36 + 22 * beat, PI, 2 * PI))
    event(6, i, i + 1, "mono", sprintf("{\\an5\\pos(%d,%d)\\fs46}%02d", DX, DY, int(t)))
}

function bars(i, t,    k, w, full, none) {
    w = 560 / 8
    for (k = 0; k < 8; k++) {
        none = none box(40 + k * w, 296, w - 5, 14)
        if (t >= 2 * k + 2) full = full box(40 + k * w, 296, w - 5, 14)
    }
    k = int(t / 2)
    drawing(3, i, i + 1, "F0D8B0", 205, none)
    if (full) drawing(4, i, i + 1, "F2B45A", 40, full)
    drawing(4, i, i + 1, "5CB8FF", 0, box(40 + k * w, 296, (w - 5) * (t - 2 * k) / 2 + 0.01, 14))
}

function frame(i,    t) {
    t = i / 30
    swarm(i, t)
    dial(i, t)
    bars(i, t)
    event(6, i, i + 1, "mono", sprintf("{\\an7\\pos(36,140)\\fs76\\bord0\\shad0}00:%02d{\\fs44\\1c&HF2C48A&}:%02d", int(t), i % 30))
}

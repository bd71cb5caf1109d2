#!/bin/sh
# Makes the clip that `swarmline demo` plays as an endless live event: v0.mp4, v1.mp4 and a0.mp4
# beside this script. Each is one CMAF track: an init part, then one fragment per segment of 2 s.
#
# The clip loops without a seam. Picture and sound are functions of time with a period of 16 s,
# a GOP is closed and lasts 2 s exactly, 16 s are exactly 480 frames of video and 750 frames of AAC.
#
# Needs ffmpeg with libx264 and libass, and the DejaVu fonts. Usage: media/make-clip.sh
set -eu
export LC_ALL=C
out=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# ---- Picture: one subtitle script drawn per frame (antialiased vectors), over a slow aurora.
awk -f "$out/picture.awk" >"$tmp/picture.ass"

# Blobs of light on closed orbits, drawn tiny and enlarged: soft, and nothing to alias.
blob() { # x-phase y-phase cycles size
    echo "exp(-(pow(X-W*(0.5+0.42*sin(2*PI*$3*T/16+$1)),2)+pow(Y-H*(0.5+0.40*cos(2*PI*$3*T/16+$2)),2))/$4)"
}
b1=$(blob 0 0.6 1 520)
b2=$(blob 2.1 2.9 1 700)
b3=$(blob 4.2 4.4 2 380)
aurora="geq=r='10+86*$b2+20*$b3':g='16+66*$b1+24*$b3':b='34+84*$b1+92*$b2+30*$b3'"

video() { # name width height kbit/s
    filters="format=gbrp,$aurora,scale=$2:$3:flags=bicubic,format=yuv444p"
    filters="$filters,noise=alls=3:allf=t:all_seed=7,ass=filename=$tmp/picture.ass,format=yuv420p"
    for pass in 1 2; do
        ffmpeg -nostdin -loglevel error -y -f lavfi -i "color=black:s=96x54:r=30:d=16" -vf "$filters" \
            -frames:v 480 -c:v libx264 -profile:v main -preset veryslow -bf 0 -pix_fmt yuv420p \
            -colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv \
            -b:v "$4k" -maxrate "$4k" -bufsize "$4k" -pass $pass -passlogfile "$tmp/$1" -threads 1 \
            -g 60 -keyint_min 60 -sc_threshold 0 -x264-params open-gop=0 -fflags +bitexact -flags:v +bitexact \
            -movflags +cmaf+frag_keyframe+empty_moov+default_base_moof+skip_trailer -video_track_timescale 30000 \
            -f mp4 "$tmp/$1.mp4"
    done
}
video v0 640 360 850
video v1 426 240 300

# ---- Sound: soft chords that swell into each other, and one plucked note per second.
# $1 detunes the two channels against each other for width; p is the position inside the loop.
sound() {
    awk -v detune="$1" 'BEGIN {
        split("0 4 7 11 -3 0 4 7 -7 -3 0 4 -5 -1 2 9", chord, " ")
        split("12 19 16 23 9 16 12 19 5 12 9 16 7 14 11 14", melody, " ")
        p = "mod(t,16)"
        for (layer = 0; layer < 2; layer++) {
            at = sprintf("mod(t+%d,16)", 2 * layer)
            for (v = 0; v < 4; v++) {
                n = ""
                for (c = 0; c < 4; c++) n = n sprintf("%s%d*eq(floor(%s/4),%d)", c ? "+" : "", chord[c * 4 + v + 1], at, c)
                f = sprintf("%.3f*pow(2,(%s)/12)", 130.813 * detune, n)
                printf "%s0.045*pow(sin(PI*%s/4),2)*(sin(2*PI*%s*%s)+0.25*sin(4*PI*%s*%s))", (layer + v) ? "+" : "", at, at, f, at, f
            }
        }
        n = ""
        for (s = 0; s < 16; s++) n = n sprintf("%s%d*eq(floor(%s),%d)", s ? "+" : "", melody[s + 1], p, s)
        f = sprintf("261.626*pow(2,(%s)/12)", n)
        s = "mod(t,1)"
        printf "+0.16*min(1,%s*250)*min(1,(1-%s)*20)*exp(-5*%s)*(sin(2*PI*%s*%s)+0.3*exp(-9*%s)*sin(4*PI*%s*%s))", s, s, s, s, f, s, s, f
    }'
}
# Three rounds are encoded and the middle one is taken: the encoder has settled, and the last frame's
# overlap is with the first frame's sound.
ffmpeg -nostdin -loglevel error -y -f lavfi -i "aevalsrc=exprs='$(sound 0.9985)|$(sound 1.0015)':s=48000:d=48" \
    -c:a aac -b:a 80k -fflags +bitexact -flags:a +bitexact "$tmp/rounds.m4a"
ffmpeg -nostdin -loglevel error -y -ss 16 -i "$tmp/rounds.m4a" -frames:a 750 -c copy -fflags +bitexact \
    -movflags +cmaf+empty_moov+default_base_moof+skip_trailer -frag_duration 2000000 -f mp4 "$tmp/a0.mp4"

cp "$tmp/v0.mp4" "$tmp/v1.mp4" "$tmp/a0.mp4" "$out/"
ls -l "$out"/*.mp4

package treatment

import (
	"fmt"
	"strings"
	"testing"
)

// The numbers of divisions are those that the Ministry of Civil Affairs gives: 333 prefectures, of
// which 293 are cities, 117 autonomous counties, 52 banners.
func TestDivisions(t *testing.T) {
	prefectures := map[string]int{}
	kinds := map[string]int{}
	for _, row := range provinces {
		name, _, _ := strings.Cut(row.name, "/")
		for prefecture := range strings.FieldsSeq(row.prefectures) {
			prefectures[name]++
			_, suffix, _ := strings.Cut(prefecture, "/")
			if strings.HasSuffix(suffix, "自治州") {
				suffix = "自治州"
			}
			kinds[suffix]++
		}
	}
	want := map[string]int{
		"河北": 11, "山西": 11, "内蒙古": 12, "辽宁": 14, "吉林": 9, "黑龙江": 13, "江苏": 13, "浙江": 11, "安徽": 16,
		"福建": 9, "江西": 11,
		"山东": 16, "河南": 17, "湖北": 13, "湖南": 14, "广东": 21, "广西": 14, "海南": 4, "四川": 21, "贵州": 9,
		"云南": 16, "西藏": 7, "陕西": 10,
		"甘肃": 14, "青海": 8, "宁夏": 5, "新疆": 14, "台湾": 9,
	}
	if fmt.Sprint(prefectures) != fmt.Sprint(want) {
		t.Errorf("prefectures of provinces = %v, want %v", prefectures, want)
	}
	kinds[""] -= want["台湾"]
	if got, want := fmt.Sprint(kinds), fmt.Sprint(map[string]int{"": 293, "自治州": 30, "地区": 7,
		"盟": 3}); got != want {
		t.Errorf("prefectures by suffix = %s, want %s", got, want)
	}
	for _, list := range []struct {
		what      string
		got, want int
	}{
		{"provinces", len(provinces), 34},
		{"autonomous counties", len(strings.Fields(autonomousCounties)), 117},
		{"banners", len(strings.Fields(banners)), 52},
	} {
		if list.got != list.want {
			t.Errorf("%s: %d, want %d", list.what, list.got, list.want)
		}
	}
	seen := map[string]bool{}
	for name := range strings.FieldsSeq(countyNames + " " + banners) {
		if seen[name] {
			t.Errorf("%s is listed twice", name)
		}
		seen[name] = true
		if n := len([]rune(name)); n < 2 || n >= longestCounty {
			t.Errorf("%s has %d characters: none of that length is looked up", name, n)
		}
	}
}

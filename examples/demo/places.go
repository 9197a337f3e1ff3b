package demo

import (
	"fmt"
	"slices"
)

// region is a county-level division with its code in GB/T 2260. A municipality has no city of its
// own, and 东莞 no districts.
type region struct{ code, province, city, district string }

// city is a place with branches. Its customers live in its regions.
type city struct {
	code    string // of its branches: BJ
	short   string // in the names of companies
	regions [5]region
}

// The order fixes who manages whom: agent-01 to agent-05 are in the first city, and so on.
var cities = [10]city{
	{"BJ", "北京", [5]region{
		{"110101", "北京市", "", "东城区"}, {"110102", "北京市", "", "西城区"}, {"110105", "北京市", "", "朝阳区"},
		{"110108", "北京市", "", "海淀区"}, {"110118", "北京市", "", "密云区"},
	}},
	{"SH", "上海", [5]region{
		{"310101", "上海市", "", "黄浦区"}, {"310104", "上海市", "", "徐汇区"}, {"310110", "上海市", "", "杨浦区"},
		{"310115", "上海市", "", "浦东新区"}, {"310151", "上海市", "", "崇明区"},
	}},
	{"GZ", "广州", [5]region{
		{"440103", "广东省", "广州市", "荔湾区"}, {"440104", "广东省", "广州市", "越秀区"},
		{"440105", "广东省", "广州市", "海珠区"}, {"440106", "广东省", "广州市", "天河区"},
		{"441881", "广东省", "清远市", "英德市"},
	}},
	{"SZ", "深圳", [5]region{
		{"440303", "广东省", "深圳市", "罗湖区"}, {"440304", "广东省", "深圳市", "福田区"},
		{"440305", "广东省", "深圳市", "南山区"}, {"440306", "广东省", "深圳市", "宝安区"},
		{"441900", "广东省", "东莞市", ""},
	}},
	{"HZ", "杭州", [5]region{
		{"330102", "浙江省", "杭州市", "上城区"}, {"330105", "浙江省", "杭州市", "拱墅区"},
		{"330106", "浙江省", "杭州市", "西湖区"}, {"330108", "浙江省", "杭州市", "滨江区"},
		{"330782", "浙江省", "金华市", "义乌市"},
	}},
	{"NJ", "南京", [5]region{
		{"320102", "江苏省", "南京市", "玄武区"}, {"320104", "江苏省", "南京市", "秦淮区"},
		{"320105", "江苏省", "南京市", "建邺区"}, {"320106", "江苏省", "南京市", "鼓楼区"},
		{"320583", "江苏省", "苏州市", "昆山市"},
	}},
	{"CD", "成都", [5]region{
		{"510104", "四川省", "成都市", "锦江区"}, {"510105", "四川省", "成都市", "青羊区"},
		{"510106", "四川省", "成都市", "金牛区"}, {"510107", "四川省", "成都市", "武侯区"},
		{"513401", "四川省", "凉山彝族自治州", "西昌市"},
	}},
	{"WH", "武汉", [5]region{
		{"420102", "湖北省", "武汉市", "江岸区"}, {"420103", "湖北省", "武汉市", "江汉区"},
		{"420106", "湖北省", "武汉市", "武昌区"}, {"420111", "湖北省", "武汉市", "洪山区"},
		{"422801", "湖北省", "恩施土家族苗族自治州", "恩施市"},
	}},
	{"XA", "西安", [5]region{
		{"610102", "陕西省", "西安市", "新城区"}, {"610103", "陕西省", "西安市", "碑林区"},
		{"610104", "陕西省", "西安市", "莲湖区"}, {"610113", "陕西省", "西安市", "雁塔区"},
		{"610822", "陕西省", "榆林市", "府谷县"},
	}},
	{"CQ", "重庆", [5]region{
		{"500103", "重庆市", "", "渝中区"}, {"500105", "重庆市", "", "江北区"}, {"500106", "重庆市", "", "沙坪坝区"},
		{"500107", "重庆市", "", "九龙坡区"}, {"500241", "重庆市", "", "秀山土家族苗族自治县"},
	}},
}

var (
	roads = []string{"人民路", "中山路", "解放路", "建设路", "和平路", "新华路", "文化路", "滨河路", "学院路",
		"科技路", "长江路", "黄河大街", "光明街", "友谊路", "青年路", "幸福路", "东风大道", "迎宾大道"}
	communities = []string{"锦绣花园", "阳光家园", "翠湖苑", "金桂苑", "万和城", "书香门第", "紫荆花园", "御景湾",
		"怡景苑", "枫林小区", "和平里小区", "滨江一号", "幸福里", "春晓苑", "梧桐公馆", "望江楼小区"}
)

func (r region) String() string { return r.province + r.city + r.district }

// home returns an address of a person.
func (r region) home(d dice) string {
	return fmt.Sprintf("%s%s%d号%s%d号楼%d单元%d%02d室", r, pick(d, roads), d.between(1, 399),
		pick(d, communities), d.between(1, 28), d.between(1, 4), d.between(1, 26), d.between(1, 4))
}

// office returns an address of a company.
func (r region) office(d dice) string {
	return fmt.Sprintf("%s%s%d号%d层", r, pick(d, roads), d.between(1, 999), d.between(1, 32))
}

// post is who looks after a customer, and where.
type post struct {
	city   *city
	branch string
	agent  string
}

// posts holds every post by the remainder of a customer's index and their number: within a city,
// each of the five agents has customers in each of the five branches.
var posts = func() (table [250]post) {
	for i := range table {
		at, branch, agent := i%10, i/10%5, i/50
		table[i] = post{
			city:   &cities[at],
			branch: fmt.Sprintf("%s-%03d", cities[at].code, branch+1),
			agent:  fmt.Sprintf("agent-%02d", at*5+agent+1),
		}
	}
	return table
}()

// postOf spreads the customers evenly over the posts.
func postOf(i int) post { return posts[i%len(posts)] }

func knownBranch(branch string) bool {
	return slices.ContainsFunc(posts[:], func(p post) bool { return p.branch == branch })
}

// Package aws makes the calls to AWS that vaws needs itself. A signed request is
// enough for them; the SDK's service clients would be most of the binary.
package aws

import (
	"cmp"
	"strconv"
	"strings"
)

// Endpoint is where a regional service of AWS is.
type Endpoint struct {
	URL    string
	Region string // that requests are signed for
	// CABundle is a file with the authorities to trust; empty: the system's.
	CABundle string
}

const defaultRegion = "us-east-1"

// STS is the endpoint of STS in the region (empty: us-east-1), or the one that
// the user has configured for every SDK: AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL,
// or the profile's endpoint_url
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html).
func STS(region, profileURL string, getenv func(string) string) Endpoint {
	if region == "" {
		region = defaultRegion
	}
	url := cmp.Or(configured("STS", profileURL, getenv), "https://sts."+region+"."+domain(region))
	return Endpoint{url, region, getenv("AWS_CA_BUNDLE")}
}

// configured is where the user has put the service for every SDK; empty: nowhere.
func configured(service, profileURL string, getenv func(string) string) string {
	if ignore, _ := strconv.ParseBool(getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")); ignore {
		return ""
	}
	url := cmp.Or(getenv("AWS_ENDPOINT_URL_"+service), getenv("AWS_ENDPOINT_URL"), profileURL)
	return strings.TrimRight(url, "/")
}

// domains are those of AWS's partitions, by the prefix of their regions
// (partitions.json of the AWS SDKs).
var domains = []struct{ prefix, domain string }{
	{"cn-", "amazonaws.com.cn"},
	{"us-iso-", "c2s.ic.gov"},
	{"us-isob-", "sc2s.sgov.gov"},
	{"us-isof-", "csp.hci.ic.gov"},
	{"eu-isoe-", "cloud.adc-e.uk"},
	{"eusc-", "amazonaws.eu"},
}

func domain(region string) string {
	for _, d := range domains {
		if strings.HasPrefix(region, d.prefix) {
			return d.domain
		}
	}
	return "amazonaws.com"
}
